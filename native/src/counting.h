// What is counted of a text in one pass over its characters and words: adverdict.features.text.counted, number for number.
#pragma once

#include <algorithm>

#include "points.h"

namespace adverdict {

class Lexicon {
  public:
    // word -> in which lists it is, a bit each.
    explicit Lexicon(nb::dict words) {
        size_t room = 16;
        while (room < 4 * words.size()) room *= 2;
        slots_.resize(room);
        for (auto [word, lists] : words) {
            Slot slot;
            load(word.ptr(), slot.word);
            slot.lists = nb::cast<uint32_t>(lists);
            size_t at = hash_of(slot.word.data(), static_cast<uint32_t>(slot.word.size())) & (room - 1);
            while (slots_[at].lists) at = (at + 1) & (room - 1);
            slots_[at] = std::move(slot);
        }
    }
    uint32_t lists(const uint32_t *word, uint32_t length, uint32_t hash) const {
        for (size_t at = hash & (slots_.size() - 1); slots_[at].lists; at = (at + 1) & (slots_.size() - 1))
            if (slots_[at].word.size() == length && std::memcmp(slots_[at].word.data(), word, 4 * length) == 0) return slots_[at].lists;
        return 0;
    }

  private:
    struct Slot {
        std::vector<uint32_t> word;
        uint32_t lists = 0;
    };
    std::vector<Slot> slots_;
};

class Counting {
  public:
    static constexpr size_t lists = 6;

    Counting(Points &points, nb::dict lexicon) : points_(points), lexicon_(std::move(lexicon)) {}

    nb::object count(nb::handle raw, nb::handle text) {
        load(raw.ptr(), raw_);
        load(text.ptr(), text_);
        found_.clear();
        of_raw();
        of_text();
        PyObject *made = PyTuple_New(static_cast<Py_ssize_t>(found_.size()) + 1);
        if (made == nullptr) throw nb::python_error();
        nb::object told = nb::steal(made);
        for (size_t i = 0; i < found_.size(); i++) PyTuple_SET_ITEM(made, i, PyLong_FromLong(found_[i]));
        PyObject *scripts = PyTuple_New(static_cast<Py_ssize_t>(scripts_.size()));
        if (scripts == nullptr) throw nb::python_error();
        for (size_t i = 0; i < scripts_.size(); i++) PyTuple_SET_ITEM(scripts, i, PyLong_FromLong(scripts_[i]));
        PyTuple_SET_ITEM(made, found_.size(), scripts);
        return told;
    }

  private:
    void of_raw() {
        long latin_letters = 0, others = 0, capitals = 0, digits = 0, percent = 0, exclamations = 0, questions = 0, emojis = 0, tags = 0, mentions = 0, masks = 0;
        scripts_.clear();
        const size_t n = raw_.size();
        for (size_t i = 0; i < n; i++) {
            const uint32_t point = raw_[i];
            const Point &told = points_[point];
            const uint16_t kind = told.flags & kind_bits;
            latin_letters += kind == latin;
            others += kind == looks_latin || kind == other_letter;
            digits += kind == digit_kind;
            capitals += (told.flags & upper) != 0;
            emojis += (told.flags & emoji) != 0;
            if (point >= 0x80 && told.script && std::find(scripts_.begin(), scripts_.end(), told.script) == scripts_.end()) scripts_.push_back(told.script);
            switch (point) {
                case '%': case 0x66a: case 0xff05: case 0xfe6a: percent++; break;
                case '!': case 0xff01: exclamations++; break;
                case '?': case 0xff1f: case 0x61f: questions++; break;
                case '#': tags += i + 1 < n && in_word(raw_[i + 1]); break;
                case '@': mentions += (i == 0 || !in_word(raw_[i - 1])) && i + 1 < n && in_word(raw_[i + 1]); break;
                case '[': case '<': case '(': masks = 1; break;
                default: break;
            }
        }
        if (!others) scripts_.clear();
        if (latin_letters && std::find(scripts_.begin(), scripts_.end(), 1) == scripts_.end()) scripts_.push_back(1);  // 1 is Latin
        std::sort(scripts_.begin(), scripts_.end());
        words_of(raw_, points_, words_);
        long in_capitals = 0;
        for (const Span &word : words_) {
            uint16_t any = 0;
            for (uint32_t i = word.from; i < word.to; i++) any |= points_.flags(raw_[i]);
            in_capitals += word.size() > 1 && (any & upper) && !(any & small_or_title);
        }
        for (long value : {latin_letters + others, others, capitals, digits, percent, exclamations, questions, emojis, tags, mentions, masks,
                           static_cast<long>(words_.size()), in_capitals})
            found_.push_back(value);
    }

    void of_text() {
        const size_t n = text_.size();
        long sentences = 0, signs = 0, link = 0, mail = 0;
        for (size_t i = 0; i < n; i++) {
            const uint32_t point = text_[i];
            signs += (points_.flags(point) & currency) != 0;
            if (point == '\n') sentences++;
            else if (ends(point) && !(i + 1 < n && ends(text_[i + 1]))) sentences += i + 1 == n || points_.is(text_[i + 1], space);
            if (point == '.') link |= (i + 1 < n && !points_.is(text_[i + 1], space)) || (i >= 3 && starts(i - 3, "www"));
            else if (point == ':') link |= i + 2 < n && text_[i + 1] == '/' && text_[i + 2] == '/';
            else if (point == 'd') link |= i + 2 < n && text_[i + 1] == 'o' && text_[i + 2] == 't';
            else if (point == '@' || point == '[' || point == '<' || point == '(' || point == '{') mail = 1;
            else if (point == 'm') mail |= starts(i, "mail");
            else if (point == 'o') mail |= starts(i, "outlook");
            else if (point == 'y') mail |= starts(i, "yahoo");
        }
        words_of(text_, points_, words_);
        long length = 0, counts[lists] = {0};
        ids_.clear();
        firsts_.clear();
        size_t room = 16;
        while (room < 2 * words_.size()) room *= 2;
        table_.assign(room, UINT32_MAX);
        for (const Span &word : words_) {
            const uint32_t *data = text_.data() + word.from, hash = hash_of(data, word.size());
            length += word.size();
            const uint32_t told = lexicon_.lists(data, word.size(), hash);
            for (size_t list = 0; told && list < lists; list++) counts[list] += (told >> list) & 1;
            ids_.push_back(identify(word, hash));
        }
        pairs_.clear();
        for (size_t i = 1; i < ids_.size(); i++) pairs_.push_back(static_cast<uint64_t>(ids_[i - 1]) << 32 | ids_[i]);
        std::sort(pairs_.begin(), pairs_.end());
        const long different = std::unique(pairs_.begin(), pairs_.end()) - pairs_.begin();
        for (long value : {static_cast<long>(words_.size()), words_.empty() ? 0 : sentences + 1, signs, link, mail}) found_.push_back(value);
        for (long value : counts) found_.push_back(value);
        for (long value : {static_cast<long>(firsts_.size()), length, static_cast<long>(pairs_.size()) - different}) found_.push_back(value);
    }

    // The number of a word among the different ones.
    uint32_t identify(const Span &word, uint32_t hash) {
        size_t at = hash & (table_.size() - 1);
        for (; table_[at] != UINT32_MAX; at = (at + 1) & (table_.size() - 1)) {
            const Span &first = firsts_[table_[at]];
            if (first.size() == word.size() && std::memcmp(text_.data() + first.from, text_.data() + word.from, 4 * word.size()) == 0) return table_[at];
        }
        table_[at] = static_cast<uint32_t>(firsts_.size());
        firsts_.push_back(word);
        return table_[at];
    }

    bool in_word(uint32_t point) { return point == '_' || points_.is(point, alnum); }
    bool starts(size_t i, const char *word) const {
        for (; *word; word++, i++)
            if (i >= text_.size() || text_[i] != static_cast<uint32_t>(*word)) return false;
        return true;
    }
    static bool ends(uint32_t point) {
        return point == '.' || point == '!' || point == '?' || point == 0x964 || point == 0x3002 || point == 0xff01 || point == 0xff1f || point == 0x61f;
    }

    Points &points_;
    Lexicon lexicon_;
    std::vector<uint32_t> raw_, text_, ids_, table_;
    std::vector<uint16_t> scripts_;
    std::vector<Span> words_, firsts_;
    std::vector<uint64_t> pairs_;
    std::vector<long> found_;
};

}  // namespace adverdict
