// The language of a text: py3langid's naive Bayes over byte n-grams, found by its automaton (Lui and Baldwin 2012).
#pragma once

#include <cmath>
#include <utility>

#include "ngrams.h"

namespace adverdict {

class Language {
  public:
    // next: the automaton's moves, rows[state] + byte; feature[state]: the n-gram that ends there, or negative. weights float32
    // (features, languages). again: pairs of columns that are one language.
    Language(Array<uint32_t, 1> next, Array<uint32_t, 1> rows, Array<int32_t, 1> feature, Array<float, 2> weights, Array<float, 1> prior,
             std::vector<std::pair<size_t, size_t>> again)
        : next_(next), rows_(rows), feature_(feature), weights_(weights), prior_(prior), again_(std::move(again)) {
        const size_t states = rows.shape(0), languages = prior.shape(0);
        bool fits = states > 0 && feature.shape(0) == states && weights.shape(1) == languages && languages > 1;
        for (size_t i = 0; fits && i < states; i++)
            fits = rows.data()[i] + 256 <= next.shape(0) && feature.data()[i] < static_cast<int64_t>(weights.shape(0));
        for (size_t i = 0; fits && i < next.shape(0); i++) fits = next.data()[i] < states;
        for (const auto &[one, other] : again_) fits = fits && one < languages && other < languages;
        if (!fits) throw nb::value_error("arrays do not fit");
        counts_.assign(weights.shape(0), 0);
        scores_.resize(languages);
    }

    // The likeliest language's column, its probability, and the next likeliest one's.
    std::tuple<size_t, float, float> read(nb::bytes said) {
        const uint8_t *bytes = reinterpret_cast<const uint8_t *>(said.c_str());
        const size_t n = said.size();
        found_.clear();
        uint32_t state = 0;
        for (size_t i = 0; i < n; i++) {
            state = next_.data()[rows_.data()[state] + bytes[i]];
            const int32_t feature = feature_.data()[state];
            if (feature >= 0 && counts_[feature]++ == 0) found_.push_back(feature);
        }
        return judge(n);
    }

    // From what is in found_ and counts_, which are cleared. n: bytes read.
    std::tuple<size_t, float, float> judge(size_t n) {
        const size_t languages = scores_.size();
        float *scores = scores_.data();
        std::fill(scores_.begin(), scores_.end(), 0.0f);
        for (int32_t feature : found_) {
            const float count = std::log1p(static_cast<float>(counts_[feature]));
            const float *weights = weights_.data() + feature * languages;
            for (size_t i = 0; i < languages; i++) scores[i] += count * weights[i];
            counts_[feature] = 0;
        }
        if (!found_.empty())
            for (size_t i = 0; i < languages; i++) scores[i] += prior_.data()[i];
        const float scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(n ? n : 1)));
        float most = scores[0] * scale, sum = 0.0f;
        for (size_t i = 0; i < languages; i++) most = std::max(most, scores[i] *= scale);
        for (size_t i = 0; i < languages; i++) sum += scores[i] = std::exp(scores[i] - most);
        for (size_t i = 0; i < languages; i++) scores[i] /= sum;
        for (const auto &[one, other] : again_) {
            scores[one] += scores[other];
            scores[other] = 0.0f;
        }
        size_t best = 0;
        for (size_t i = 1; i < languages; i++)
            if (scores[i] > scores[best]) best = i;
        float second = 0.0f;
        for (size_t i = 0; i < languages; i++)
            if (i != best) second = std::max(second, scores[i]);
        return {best, scores[best], second};
    }

    // The same of several texts: the automaton takes a step in each, so that one does not wait for another's memory.
    nb::list read_all(nb::list said) {
        nb::list found;
        for (size_t first = 0; first < said.size(); first += together) {
            const size_t n = std::min(together, said.size() - first);
            walk(said, first, n);
            for (size_t i = 0; i < n; i++) found.append(likeliest(walks_[i]));
        }
        return found;
    }

  private:
    static constexpr size_t together = 16;

    struct Walk {
        const uint8_t *bytes;
        size_t size;
        uint32_t state, at;
        std::vector<int32_t> features;
    };

    void walk(nb::list said, size_t first, size_t n) {
        size_t longest = 0;
        for (size_t i = 0; i < n; i++) {
            PyObject *bytes = PyList_GET_ITEM(said.ptr(), first + i);
            if (!PyBytes_Check(bytes)) throw nb::type_error("bytes");
            Walk &one = walks_[i];
            one.bytes = reinterpret_cast<const uint8_t *>(PyBytes_AS_STRING(bytes));
            one.size = static_cast<size_t>(PyBytes_GET_SIZE(bytes));
            one.state = 0;
            one.features.clear();
            longest = std::max(longest, one.size);
        }
        for (size_t step = 0; step < longest; step++) {
            for (size_t i = 0; i < n; i++) {
                Walk &one = walks_[i];
                if (step >= one.size) continue;
                one.at = rows_.data()[one.state] + one.bytes[step];
                prefetch(next_.data() + one.at);
            }
            for (size_t i = 0; i < n; i++) {
                Walk &one = walks_[i];
                if (step >= one.size) continue;
                one.state = next_.data()[one.at];
                prefetch(rows_.data() + one.state);
                prefetch(feature_.data() + one.state);
            }
            for (size_t i = 0; i < n; i++) {
                Walk &one = walks_[i];
                if (step >= one.size) continue;
                const int32_t feature = feature_.data()[one.state];
                if (feature < 0) continue;
                one.features.push_back(feature);
                prefetch(weights_.data() + feature * scores_.size());
            }
        }
    }

    std::tuple<size_t, float, float> likeliest(const Walk &walk) {
        found_.clear();
        for (int32_t feature : walk.features)
            if (counts_[feature]++ == 0) found_.push_back(feature);
        return judge(walk.size);
    }

    static void prefetch(const void *address) {
#if defined(__GNUC__) || defined(__clang__)
        __builtin_prefetch(address);
#endif
    }

    Walk walks_[together];
    Array<uint32_t, 1> next_, rows_;
    Array<int32_t, 1> feature_;
    Array<float, 2> weights_;
    Array<float, 1> prior_;
    std::vector<std::pair<size_t, size_t>> again_;
    std::vector<int32_t> counts_, found_;
    std::vector<float> scores_;
};

}  // namespace adverdict
