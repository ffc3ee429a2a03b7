// Hashed n-grams of a text, their tf-idf and its product with the weights: adverdict.models.ngram, digit for digit.
#pragma once

#include <nanobind/ndarray.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "text.h"

namespace adverdict {

template <typename T, size_t Dimensions>
using Array = nb::ndarray<const T, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;
template <typename T, size_t Dimensions>
using Out = nb::ndarray<T, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;

enum class Analyzer { words = 0, characters = 1, split = 2 };

struct Block {
    int source;  // 0 text, 1 title, 2 facts: the order of NgramText
    Analyzer analyzer;
    uint32_t mask;
    uint32_t start;
    double weight;
};

class Ngrams {
  public:
    // rows: float32 (columns, 1 + policies), the idf of each column and then its weights. logs[n]: 1 + ln(n), as the reference has it.
    Ngrams(Array<float, 2> rows, Array<double, 1> bias, Array<double, 1> logs, std::vector<std::tuple<int, int, int, double>> blocks)
        : rows_(rows), bias_(bias), logs_(logs) {
        uint32_t start = 0;
        for (const auto &[source, analyzer, bits, weight] : blocks) {
            if (source < 0 || source > 2 || analyzer < 0 || analyzer > 2 || bits < 1 || bits > 24) throw nb::value_error("no such block");
            blocks_.push_back({source, static_cast<Analyzer>(analyzer), (1u << bits) - 1, start, weight});
            start += 1u << bits;
        }
        if (start != rows.shape(0) || bias.shape(0) + 1 != rows.shape(1) || logs.shape(0) < 2) throw nb::value_error("arrays do not fit");
    }

    // texts: tuples of text, title and facts. False: an n-gram comes more often than logs reach; out is then not to be used.
    bool logits(nb::list texts, Out<double, 2> out) {
        const size_t policies = bias_.shape(0);
        if (out.shape(0) != texts.size() || out.shape(1) != policies) throw nb::value_error("out does not fit");
        for (size_t i = 0; i < texts.size(); i++)
            if (!one(texts[i].ptr(), out.data() + i * policies)) return false;
        return true;
    }

  private:
    bool one(PyObject *strings, double *out) {
        if (!PyTuple_Check(strings) || PyTuple_GET_SIZE(strings) != 3) throw nb::type_error("a text, a title and facts");
        keys_.clear();
        int loaded = -1;
        for (const Block &block : blocks_) {
            if (block.source != loaded) {
                PyObject *string = PyTuple_GET_ITEM(strings, block.source);
                if (!PyUnicode_Check(string)) throw nb::type_error("a text, a title and facts");
                text_.load(string);
                loaded = block.source;
            }
            if (block.analyzer == Analyzer::words) words(block); else pieces(block);
        }
        sort();
        return weigh(out);
    }

    void words(const Block &block) {
        spans_.clear();
        for (size_t i = 0; i < text_.size();) {
            while (i < text_.size() && !in_word(text_[i])) i++;
            const size_t from = i;
            while (i < text_.size() && in_word(text_[i])) i++;
            if (i > from) spans_.push_back({from, i});
        }
        for (const auto &[from, to] : spans_) keys_.push_back(block.start + column(text_.utf8(from), text_.bytes(from, to), block.mask));
        for (size_t i = 1; i < spans_.size(); i++) {
            const auto [a, b] = spans_[i - 1];
            const auto [c, d] = spans_[i];
            const uint32_t first = text_.bytes(a, b), second = text_.bytes(c, d);
            pair_.resize(first + 1 + second);
            std::memcpy(pair_.data(), text_.utf8(a), first);
            pair_[first] = ' ';
            std::memcpy(pair_.data() + first + 1, text_.utf8(c), second);
            keys_.push_back(block.start + column(pair_.data(), first + 1 + second, block.mask));
        }
    }

    void pieces(const Block &block) {
        for (size_t i = 0; i < text_.size();) {
            while (i < text_.size() && Py_UNICODE_ISSPACE(text_[i])) i++;
            const size_t from = i;
            while (i < text_.size() && !Py_UNICODE_ISSPACE(text_[i])) i++;
            if (i == from) break;
            if (block.analyzer == Analyzer::split)
                keys_.push_back(block.start + column(text_.utf8(from), text_.bytes(from, i), block.mask));
            else
                grams_.of(text_, from, i, [&](const uint8_t *data, uint32_t length) { keys_.push_back(block.start + column(data, length, block.mask)); });
        }
    }

    static bool in_word(uint32_t point) { return point == '_' || Py_UNICODE_ISALNUM(point); }

    // Radix on two halves of 12 bits: there are at most 2**24 columns.
    void sort() {
        const size_t n = keys_.size();
        if (n < 256) {
            std::sort(keys_.begin(), keys_.end());
            return;
        }
        other_.resize(n);
        for (int shift = 0; shift <= 12; shift += 12) {
            uint32_t counts[4097] = {0};
            for (uint32_t key : keys_) counts[((key >> shift) & 4095) + 1]++;
            for (int i = 0; i < 4096; i++) counts[i + 1] += counts[i];
            for (uint32_t key : keys_) other_[counts[(key >> shift) & 4095]++] = key;
            keys_.swap(other_);
        }
    }

    bool weigh(double *out) {
        const size_t policies = bias_.shape(0), width = policies + 1, most = logs_.shape(0), n = keys_.size();
        const float *rows = rows_.data();
        const double *logs = logs_.data();
        columns_.clear();
        values_.clear();
        for (size_t i = 0; i < n;) {
            size_t j = i + 1;
            while (j < n && keys_[j] == keys_[i]) j++;
            if (j - i >= most) return false;
            columns_.push_back(keys_[i]);
            values_.push_back(logs[j - i]);
            prefetch(rows + keys_[i] * width);
            i = j;
        }
        // The reference adds within a block, column after column, and so does this: the order is part of the digits.
        std::fill(out, out + policies, 0.0);
        for (size_t i = 0, block = 0; block < blocks_.size(); block++) {
            const uint32_t end = blocks_[block].start + blocks_[block].mask + 1;
            double square = 0.0;
            size_t j = i;
            for (; j < columns_.size() && columns_[j] < end; j++) {
                values_[j] *= static_cast<double>(rows[columns_[j] * width]);
                square += values_[j] * values_[j];
            }
            const double norm = std::sqrt(square > 0 ? square : 1.0) / blocks_[block].weight;
            for (; i < j; i++) {
                const double value = values_[i] / norm;
                const float *weights = rows + columns_[i] * width + 1;
                for (size_t policy = 0; policy < policies; policy++) out[policy] += value * static_cast<double>(weights[policy]);
            }
        }
        for (size_t policy = 0; policy < policies; policy++) out[policy] += bias_.data()[policy];
        return true;
    }

    static void prefetch(const void *address) {
#if defined(__GNUC__) || defined(__clang__)
        __builtin_prefetch(address);
#endif
    }

    Array<float, 2> rows_;
    Array<double, 1> bias_;
    Array<double, 1> logs_;
    std::vector<Block> blocks_;
    Text text_;
    CharacterGrams grams_;
    std::vector<std::pair<size_t, size_t>> spans_;
    std::vector<uint8_t> pair_;
    std::vector<uint32_t> keys_, other_, columns_;
    std::vector<double> values_;
};

}  // namespace adverdict
