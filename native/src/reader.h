// All that is read of texts by code points, behind one object that knows what each point is.
#pragma once

#include "counting.h"
#include "ngrams.h"
#include "normaliser.h"

namespace adverdict {

class Reader {
  public:
    // page: a number -> what 256 code points are, as Point lays them out. lexicon: word -> in which of six lists it is.
    Reader(nb::object page, nb::dict lexicon) : points_(std::move(page)), normaliser_(points_), counting_(points_, std::move(lexicon)) {}

    nb::object plain_text(nb::handle raw) { return normaliser_.plain_text(raw); }
    nb::object count(nb::handle raw, nb::handle text) { return counting_.count(raw, text); }

    // Columns of the character n-grams of each different word, digits all alike, but for some words: int32, in their order.
    nb::bytes columns_of_words(nb::handle text, nb::handle without, uint32_t mask) {
        load(text.ptr(), text_);
        words_of(text_, points_, words_);
        for (uint32_t &point : text_)
            if (points_.is(point, decimal)) point = '0';
        seen_.clear(words_.size());
        columns_.clear();
        PyObject *left_out = without.ptr();
        for (const Span &word : words_) {
            const uint32_t *data = text_.data() + word.from;
            if (!seen_.add(data, word.size()) || (PyObject_Length(left_out) > 0 && is_in(left_out, data, word.size()))) continue;
            encode(data, word.size());
            grams(word.size(), mask);
        }
        return nb::bytes(reinterpret_cast<const char *>(columns_.data()), columns_.size() * sizeof(int32_t));
    }

    // The sum of the rows of a text's words, in their order: out, float32 (width,). What it does not know it returns, and sums nothing.
    nb::object sum_rows(nb::handle text, nb::dict places, Array<float, 2> rows, Out<float, 1> out) {
        load(text.ptr(), text_);
        const size_t width = rows.shape(1), n = text_.size();
        if (out.shape(0) != width) throw nb::value_error("out does not fit");
        rows_.clear();
        nb::object missing = nb::none();
        for (size_t i = 0; i < n;) {
            while (i < n && !in_word(text_[i])) i++;
            const size_t from = i;
            while (i < n && i - from < longest && in_word(text_[i])) i++;
            if (i == from) break;
            nb::object word = nb::steal(PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, text_.data() + from, static_cast<Py_ssize_t>(i - from)));
            if (!word.is_valid()) throw nb::python_error();
            PyObject *place = PyDict_GetItemWithError(places.ptr(), word.ptr());
            if (place == nullptr) {
                if (PyErr_Occurred()) throw nb::python_error();
                if (missing.is_none()) missing = nb::list();
                nb::cast<nb::list>(missing).append(word);
                continue;
            }
            const long row = PyLong_AsLong(place);
            if (row < 0 || static_cast<size_t>(row) >= rows.shape(0)) throw nb::value_error("no such row");
            rows_.push_back(static_cast<size_t>(row));
        }
        if (!missing.is_none()) return missing;
        float *sum = out.data();
        std::fill(sum, sum + width, 0.0f);
        for (size_t i = 0; i < rows_.size(); i++) {
            const float *row = rows.data() + rows_[i] * width;
            if (i == 0) std::copy(row, row + width, sum);
            else for (size_t k = 0; k < width; k++) sum[k] += row[k];
        }
        return missing;
    }

  private:
    static constexpr size_t longest = 24;

    bool in_word(uint32_t point) { return point == '_' || points_.is(point, alnum); }

    static bool is_in(PyObject *set, const uint32_t *word, uint32_t length) {
        nb::object string = nb::steal(PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, word, static_cast<Py_ssize_t>(length)));
        if (!string.is_valid()) throw nb::python_error();
        const int there = PySequence_Contains(set, string.ptr());
        if (there < 0) throw nb::python_error();
        return there == 1;
    }

    // UTF-8 of a word, a space on either side, and where each character begins.
    void encode(const uint32_t *word, uint32_t length) {
        utf8_.clear();
        begins_.clear();
        begins_.push_back(0);
        utf8_.push_back(' ');
        for (uint32_t i = 0; i < length; i++) {
            begins_.push_back(static_cast<uint32_t>(utf8_.size()));
            const uint32_t point = word[i];
            if (point < 0x80) {
                utf8_.push_back(static_cast<uint8_t>(point));
                continue;
            }
            const int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
            utf8_.push_back(static_cast<uint8_t>((more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0) | point >> (6 * more)));
            for (int k = more - 1; k >= 0; k--) utf8_.push_back(static_cast<uint8_t>(0x80 | (point >> (6 * k) & 0x3f)));
        }
        begins_.push_back(static_cast<uint32_t>(utf8_.size()));
        utf8_.push_back(' ');
        begins_.push_back(static_cast<uint32_t>(utf8_.size()));
    }

    void grams(uint32_t length, uint32_t mask) {
        const size_t n = length + 2;
        for (size_t span = 3; span <= 5; span++)
            for (size_t i = 0; i + span <= n; i++)
                columns_.push_back(static_cast<int32_t>(column(utf8_.data() + begins_[i], begins_[i + span] - begins_[i], mask)));
    }

    // Words of one text.
    class Seen {
      public:
        void clear(size_t words) {
            size_t room = 16;
            while (room < 2 * words) room *= 2;
            slots_.assign(room, {nullptr, 0});
        }
        bool add(const uint32_t *data, uint32_t length) {
            const size_t last = slots_.size() - 1;
            size_t at = hash_of(data, length) & last;
            for (; slots_[at].first; at = (at + 1) & last)
                if (slots_[at].second == length && std::memcmp(slots_[at].first, data, 4 * length) == 0) return false;
            slots_[at] = {data, length};
            return true;
        }

      private:
        std::vector<std::pair<const uint32_t *, uint32_t>> slots_;
    };

    Points points_;
    Normaliser normaliser_;
    Counting counting_;
    std::vector<uint32_t> text_, begins_;
    std::vector<Span> words_;
    std::vector<uint8_t> utf8_;
    std::vector<int32_t> columns_;
    std::vector<size_t> rows_;
    Seen seen_;
};

}  // namespace adverdict
