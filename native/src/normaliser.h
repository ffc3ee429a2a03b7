// The normaliser's answer for texts in which nothing is to be undone, as most: adverdict.features.text.normalise._already_plain.
#pragma once

#include "points.h"

namespace adverdict {

class Normaliser {
  public:
    explicit Normaliser(Points &points) : points_(points) {}

    // The text; in a tuple of one where strewn accents are still to be looked for; None where Python has to look closer. It never says
    // that nothing is to be undone where something is, and may say None where nothing is.
    nb::object plain_text(nb::handle raw) {
        load(raw.ptr(), text_);
        bool accents = false;
        if (!small(accents)) return nb::none();
        fold();
        if (suspicious()) return nb::none();
        nb::object text = string_of(text_);
        return accents ? nb::object(nb::make_tuple(text)) : text;
    }

  private:
    // Small letters in place. False where a character, or an entity or a tag, needs a closer look.
    bool small(bool &accents) {
        const size_t n = text_.size();
        bool has_latin = false, has_lookalike = false;
        int row = 0, strewn_vowels = 0;
        for (size_t i = 0; i < n; i++) {
            const uint32_t point = text_[i], next = i + 1 < n ? text_[i + 1] : ' ';
            if (point == '&' && (next == '#' || ascii_letter(next))) return false;
            if (point == '<' && (next == '!' || next == '/' || ascii_letter(next))) return false;
            const Point &told = points_[point];
            if (!(told.flags & plain)) return false;
            const uint16_t kind = told.flags & kind_bits;
            has_latin |= kind == latin;
            has_lookalike |= kind == looks_latin;
            row = told.flags & accented ? row + 1 : 0;
            if (row == 3 || (has_latin && has_lookalike)) return false;
            strewn_vowels += (told.flags & strewn) != 0;
            text_[i] = told.lower;
        }
        accents = strewn_vowels > 1;
        return true;
    }

    // Runs of white space to one space, empty lines out.
    void fold() {
        size_t end = 0;
        bool blank = false, line = false;
        for (size_t i = 0; i < text_.size(); i++) {
            const uint32_t point = text_[i];
            if (point == '\n') {
                line = true;
            } else if (points_.is(point, space)) {
                blank = true;
            } else {
                if (end > 0 && (line || blank)) text_[end++] = line ? '\n' : ' ';
                line = blank = false;
                text_[end++] = point;
            }
        }
        text_.resize(end);
    }

    bool suspicious() {
        const size_t n = text_.size();
        for (size_t i = 0; i < n; i++) {
            const uint32_t point = text_[i];
            if (i >= 2 && point == text_[i - 1] && point == text_[i - 2] && !(point >= '0' && point <= '9') && point != ' ' && point != '\n') return true;
            if (stands_in(point) && disguises(i)) return true;
            if (alone(i) && strewn_on(i)) return true;
        }
        return false;
    }

    // Whether a letter may stand in the text as this digit or sign: wherever DISGUISED matches, and here and there besides.
    bool disguises(size_t i) {
        const uint32_t point = text_[i], next = at(i + 1);
        if (i >= 1 && letter(text_[i - 1])) {
            for (size_t k = 0; k <= 2; k++) {
                if (letter(at(i + 1 + k))) return true;
                if (!stands_in(at(i + 1 + k))) break;
            }
            if (sign(point) || (point >= '0' && point <= '9' && (sign(next) || (points_.is(next, decimal) && sign(at(i + 2)))))) return true;
            if (i >= 2 && letter(text_[i - 2]) && (looks_like(point) || point == '!')) {
                if (letter(next) || (next >= '0' && next <= '9') || sign(next)) return true;
                if (looks_like(point) && !points_.is(next, decimal) && next != '.') return true;
            }
        }
        if (looks_like(point) && (i == 0 || !points_.is(text_[i - 1], alnum))) {
            if (letter(next) && letter(at(i + 2))) return true;
            if (looks_like(next) && letter(at(i + 2)) && letter(at(i + 3))) return true;
        }
        return false;
    }

    // A letter by itself; then a sign or up to four, and another one.
    bool alone(size_t i) {
        const uint16_t told = points_.flags(text_[i]);
        return (told & alnum) && !(told & decimal) && (i == 0 || !points_.is(text_[i - 1], alnum)) && !points_.is(at(i + 1), alnum);
    }
    bool strewn_on(size_t i) {
        const uint32_t next = at(i + 1);
        if (next == '\'' || next == 0x2019 || next == '\n') return false;
        for (size_t k = 1; k <= 5 && i + k < text_.size(); k++)
            if (points_.is(text_[i + k], alnum)) return k > 1 && alone(i + k);
        return false;
    }

    uint32_t at(size_t i) const { return i < text_.size() ? text_[i] : ' '; }
    static bool ascii_letter(uint32_t point) { return (point | 32) >= 'a' && (point | 32) <= 'z'; }
    static bool letter(uint32_t point) {
        return (point >= 'a' && point <= 'z') || (point >= 0xdf && point <= 0xf6) || (point >= 0xf8 && point <= 0x24f);
    }
    static bool sign(uint32_t point) { return point == '@' || point == '$' || point == 0x20ac; }
    static bool looks_like(uint32_t point) {
        return point == '0' || point == '1' || point == '3' || point == '4' || point == '5' || point == '7' || sign(point);
    }
    static bool stands_in(uint32_t point) { return (point >= '0' && point <= '9') || sign(point) || point == '!'; }

    Points &points_;
    std::vector<uint32_t> text_;
};

}  // namespace adverdict
