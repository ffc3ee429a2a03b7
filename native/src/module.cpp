// The module. What each part computes is said, and tested, where its Python is: that is the reference, and this gives the same digits.
#include <nanobind/stl/pair.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "copies.h"
#include "forest.h"
#include "language.h"
#include "ngrams.h"
#include "reader.h"

namespace nb = nanobind;
using namespace adverdict;

// The columns of the character n-grams of some words, int32 each, in their order.
static nb::bytes character_columns(nb::list words, uint32_t mask) {
    static Text text;  // scratch: whoever comes here holds the interpreter's lock
    static CharacterGrams grams;
    static std::vector<int32_t> columns;
    columns.clear();
    for (nb::handle word : words) {
        if (!PyUnicode_Check(word.ptr())) throw nb::type_error("words");
        text.load(word.ptr());
        grams.of(text, 0, text.size(), [&](const uint8_t *data, uint32_t length) { columns.push_back(static_cast<int32_t>(column(data, length, mask))); });
    }
    return nb::bytes(reinterpret_cast<const char *>(columns.data()), columns.size() * sizeof(int32_t));
}

NB_MODULE(_core, m) {
    nb::set_leak_warnings(false);  // what a process still holds at its end goes with it
    m.attr("API") = 2;
    m.def("character_columns", &character_columns);
    nb::class_<Copies>(m, "Copies")
        .def(nb::init<Array<uint32_t, 1>, uint32_t, uint32_t, Array<uint32_t, 1>, uint64_t, size_t>())
        .def("sign", &Copies::sign)
        .def("band_keys", &Copies::band_keys)
        .def("picture_keys", &Copies::picture_keys);
    m.def("bucket_find", &bucket_find);
    m.def("bucket_claim", &bucket_claim);
    m.def("bucket_met", &bucket_met);
    m.def("look_at", &look_at);
    nb::class_<Ngrams>(m, "Ngrams")
        .def(nb::init<Array<float, 2>, Array<double, 1>, Array<double, 1>, std::vector<std::tuple<int, int, int, double>>>())
        .def("logits", &Ngrams::logits);
    nb::class_<Forest>(m, "Forest")
        .def(nb::init<size_t, size_t, size_t, Array<int32_t, 2>, Array<int32_t, 2>, Array<double, 1>, Array<double, 1>, Array<int32_t, 1>, Array<uint32_t, 1>>())
        .def("logits", &Forest::logits);
    nb::class_<Language>(m, "Language")
        .def(nb::init<Array<uint32_t, 1>, Array<uint32_t, 1>, Array<int32_t, 1>, Array<float, 2>, Array<float, 1>, std::vector<std::pair<size_t, size_t>>>())
        .def("read", &Language::read)
        .def("read_all", &Language::read_all);
    nb::class_<Reader>(m, "Reader")
        .def(nb::init<nb::object, nb::dict>())
        .def("plain_text", &Reader::plain_text)
        .def("count", &Reader::count)
        .def("columns_of_words", &Reader::columns_of_words)
        .def("sum_rows", &Reader::sum_rows);
}
