// What each code point is to the reading of texts, told by Python, whose Unicode is the reference: a page of 256 when a text first has one.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace adverdict {

namespace nb = nanobind;

// As adverdict.features.text.points lays it out.
struct Point {
    uint32_t lower;  // the small letter; itself for most
    uint16_t flags;
    uint16_t script;  // 0: no letter
};

enum Kind : uint16_t { other_sign = 0, latin = 1, looks_latin = 2, other_letter = 3, mark_kind = 4, digit_kind = 5, look = 6 };
enum Flag : uint16_t {
    kind_bits = 7,
    alnum = 1 << 3,
    upper = 1 << 4,
    small_or_title = 1 << 5,
    mark = 1 << 6,
    emoji = 1 << 7,
    currency = 1 << 8,
    plain = 1 << 9,     // the normaliser has nothing to do with it but to make it small
    accented = 1 << 10, // of the letters of which three in a row are looked at
    strewn = 1 << 11,   // a vowel with an accent that may be strewn
    decimal = 1 << 13,
    alpha = 1 << 14,
    space = 1 << 15,
};

class Points {
  public:
    explicit Points(nb::object page) : page_(std::move(page)), pages_(0x110000 >> 8) {}
    Points(const Points &) = delete;

    const Point &operator[](uint32_t point) {
        const uint32_t number = point >> 8;
        if (!pages_[number]) load(number);
        return pages_[number][point & 255];
    }
    uint16_t flags(uint32_t point) { return (*this)[point].flags; }
    bool is(uint32_t point, uint16_t flag) { return flags(point) & flag; }

  private:
    void load(uint32_t number) {
        nb::object told = page_(number);
        if (!PyBytes_Check(told.ptr()) || PyBytes_GET_SIZE(told.ptr()) != static_cast<Py_ssize_t>(256 * sizeof(Point))) throw nb::value_error("no page");
        std::unique_ptr<Point[]> page(new Point[256]);
        std::memcpy(page.get(), PyBytes_AS_STRING(told.ptr()), 256 * sizeof(Point));
        pages_[number] = std::move(page);
    }

    nb::object page_;
    std::vector<std::unique_ptr<Point[]>> pages_;
};

// A string's code points.
inline void load(PyObject *string, std::vector<uint32_t> &points) {
    if (!PyUnicode_Check(string)) throw nb::type_error("a text");
    const Py_ssize_t length = PyUnicode_GET_LENGTH(string);
    const int kind = PyUnicode_KIND(string);
    const void *data = PyUnicode_DATA(string);
    points.resize(length);
    for (Py_ssize_t i = 0; i < length; i++) points[i] = PyUnicode_READ(kind, data, i);
}

inline nb::object string_of(const std::vector<uint32_t> &points) {
    PyObject *made = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, points.data(), static_cast<Py_ssize_t>(points.size()));
    if (made == nullptr) throw nb::python_error();
    return nb::steal(made);
}

struct Span {
    uint32_t from, to;
    uint32_t size() const { return to - from; }
};

// Words as adverdict.features.text.scripts.words finds them.
inline void words_of(const std::vector<uint32_t> &text, Points &points, std::vector<Span> &out) {
    out.clear();
    const uint32_t n = static_cast<uint32_t>(text.size());
    for (uint32_t i = 0; i < n;) {
        if (!points.is(text[i], alnum)) {
            i++;
            continue;
        }
        const uint32_t from = i++;
        for (; i < n; i++) {
            const uint32_t point = text[i];
            if (points.is(point, alnum | mark)) continue;
            const bool joins = point == '\'' || point == 0x2019 || point == 0x200c || point == 0x200d;
            if (!joins || i + 1 >= n || !points.is(text[i + 1], alnum)) break;
        }
        out.push_back({from, i});
    }
}

inline uint32_t hash_of(const uint32_t *data, uint32_t length) {
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; i < length; i++) hash = (hash ^ data[i]) * 16777619u;
    return hash ^ (hash >> 15);
}

}  // namespace adverdict
