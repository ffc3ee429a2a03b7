// A Python string as code points and as UTF-8, and the hash that n-grams are known by.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace adverdict {

namespace nb = nanobind;

class Text {
  public:
    // Of a str object that outlives what is read here. Throws UnicodeEncodeError for a lone surrogate, which UTF-8 cannot say.
    void load(PyObject *string) {
        Py_ssize_t bytes = 0;
        utf8_ = reinterpret_cast<const uint8_t *>(PyUnicode_AsUTF8AndSize(string, &bytes));
        if (utf8_ == nullptr) throw nb::python_error();
        const Py_ssize_t length = PyUnicode_GET_LENGTH(string);
        const int kind = PyUnicode_KIND(string);
        const void *data = PyUnicode_DATA(string);
        points_.resize(length);
        begins_.resize(length + 1);
        uint32_t at = 0;
        for (Py_ssize_t i = 0; i < length; i++) {
            const uint32_t point = PyUnicode_READ(kind, data, i);
            points_[i] = point;
            begins_[i] = at;
            at += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        }
        begins_[length] = at;
    }
    size_t size() const { return points_.size(); }
    uint32_t operator[](size_t i) const { return points_[i]; }
    const uint8_t *utf8(size_t i) const { return utf8_ + begins_[i]; }
    uint32_t bytes(size_t from, size_t to) const { return begins_[to] - begins_[from]; }

  private:
    const uint8_t *utf8_ = nullptr;
    std::vector<uint32_t> points_;
    std::vector<uint32_t> begins_;
};

inline uint32_t rotated(uint32_t x, int by) { return (x << by) | (x >> (32 - by)); }

// MurmurHash3 x86 32 with seed 0 (Austin Appleby, public domain): what scikit-learn's murmurhash3_32 computes.
inline uint32_t murmur(const uint8_t *data, uint32_t length) {
    const uint32_t c1 = 0xcc9e2d51, c2 = 0x1b873593;
    uint32_t hash = 0;
    const uint32_t words = length / 4;
    for (uint32_t i = 0; i < words; i++) {
        uint32_t k;
        std::memcpy(&k, data + 4 * i, 4);
        hash = rotated(hash ^ (rotated(k * c1, 15) * c2), 13) * 5 + 0xe6546b64;
    }
    const uint8_t *tail = data + 4 * words;
    uint32_t k = 0;
    switch (length & 3) {
        case 3: k ^= static_cast<uint32_t>(tail[2]) << 16; [[fallthrough]];
        case 2: k ^= static_cast<uint32_t>(tail[1]) << 8; [[fallthrough]];
        case 1: k ^= tail[0]; hash ^= rotated(k * c1, 15) * c2;
    }
    hash ^= length;
    hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
    hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
    return hash ^ (hash >> 16);
}

// Of the signed hash without its sign, the bits that the mask leaves. A mask never has more than 31.
inline uint32_t column(const uint8_t *data, uint32_t length, uint32_t mask) {
    const int32_t hash = static_cast<int32_t>(murmur(data, length));
    return (hash < 0 ? 0u - static_cast<uint32_t>(hash) : static_cast<uint32_t>(hash)) & mask;
}

// The n-grams of three to five characters of a word, a space on either side; each by its bytes to ``take(data, length)``.
class CharacterGrams {
  public:
    template <typename Take>
    void of(const Text &text, size_t from, size_t to, Take take) {
        const uint32_t bytes = text.bytes(from, to);
        padded_.resize(bytes + 2);
        padded_[0] = ' ';
        std::memcpy(padded_.data() + 1, text.utf8(from), bytes);
        padded_[bytes + 1] = ' ';
        const size_t n = to - from + 2;
        begins_.resize(n + 1);
        begins_[0] = 0;
        for (size_t i = from; i < to; i++) begins_[i - from + 1] = 1 + text.bytes(from, i);
        begins_[n - 1] = bytes + 1;
        begins_[n] = bytes + 2;
        for (size_t span = 3; span <= 5; span++)
            for (size_t i = 0; i + span <= n; i++) take(padded_.data() + begins_[i], begins_[i + span] - begins_[i]);
    }

  private:
    std::vector<uint8_t> padded_;
    std::vector<uint32_t> begins_;
};

}  // namespace adverdict
