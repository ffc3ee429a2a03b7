// All policies' boosted trees in one pass over an ad's features: QuickScorer (Lucchese et al. 2015), LightGBM's decisions and order of sums.
#pragma once

#include <cmath>
#include <limits>

#include "ngrams.h"

namespace adverdict {

// A node as it comes: feature, threshold or the index of a set of categories, kind, children (~leaf where negative).
struct Node {
    int32_t feature;
    int32_t kind;  // LightGBM's decision_type: 1 categorical, 2 left by default, 4 and 8 what counts as missing
    int32_t left;
    int32_t right;
};

class Forest {
  public:
    static constexpr int MOST_LEAVES = 64;

    // The features of a policy: shared ones, its own, and last what the n-grams say. trees: (policy, first node, nodes, first leaf) each,
    // policy by policy; nodes int32 (n, 4) and thresholds float64 (n,), leaves float64; sets: words of bits, bounds (n + 1,) into them.
    Forest(size_t policies, size_t shared, size_t own, Array<int32_t, 2> trees, Array<int32_t, 2> nodes, Array<double, 1> thresholds,
           Array<double, 1> leaves, Array<int32_t, 1> bounds, Array<uint32_t, 1> sets)
        : policies_(policies), shared_(shared), own_(own), sets_(sets.data(), sets.data() + sets.shape(0)) {
        const size_t n = trees.shape(0);
        if (trees.shape(1) != 4 || nodes.shape(1) != 4 || thresholds.shape(0) != nodes.shape(0)) throw nb::value_error("arrays do not fit");
        features_.resize(shared + policies * (own + 1));
        ends_.assign(policies, 0);
        std::vector<std::vector<Split>> splits(features_.size());
        for (size_t tree = 0; tree < n; tree++) {
            const int32_t *told = trees.data() + 4 * tree;
            const size_t count = told[2];
            if (told[0] < 0 || static_cast<size_t>(told[0]) >= policies || told[1] < 0 || told[2] < 0 || told[3] < 0 ||
                told[1] + count > nodes.shape(0) || told[3] + count + 1 > leaves.shape(0))
                throw nb::value_error("a tree beyond the arrays");
            if (count + 1 > MOST_LEAVES) throw nb::value_error("too many leaves");
            Building one{nodes.data() + 4 * told[1], thresholds.data() + told[1], leaves.data() + told[3], count, tree, static_cast<size_t>(told[0]),
                         bounds.data(), bounds.shape(0)};
            first_leaf_.push_back(static_cast<uint32_t>(leaves_.size()));
            all_.push_back(count ? subtree(one, 0, 0, splits) : leaf(one, 0));
            ends_[told[0]] = tree + 1;
        }
        for (size_t policy = 1; policy < policies; policy++) ends_[policy] = std::max(ends_[policy], ends_[policy - 1]);
        for (size_t feature = 0; feature < splits.size(); feature++) {
            auto &some = splits[feature];
            std::stable_sort(some.begin(), some.end(), [](const Split &a, const Split &b) { return a.threshold < b.threshold; });
            for (const Split &split : some) {
                features_[feature].thresholds.push_back(split.threshold);
                features_[feature].cuts.push_back(split.cut);
            }
        }
    }

    // Log-odds (ads, policies) from shared (ads, shared), own (ads, policies, own) and ngrams (ads, policies).
    void logits(Array<double, 2> shared, Array<double, 3> own, Array<double, 2> ngrams, Out<double, 2> out) {
        const size_t n = out.shape(0);
        if (shared.shape(0) != n || own.shape(0) != n || ngrams.shape(0) != n || shared.shape(1) != shared_ || own.shape(1) != policies_ ||
            own.shape(2) != own_ || ngrams.shape(1) != policies_ || out.shape(1) != policies_)
            throw nb::value_error("arrays do not fit the trees");
        for (size_t ad = 0; ad < n; ad++) {
            reachable_ = all_;
            for (size_t i = 0; i < shared_; i++) narrow(features_[i], shared.data()[ad * shared_ + i]);
            for (size_t policy = 0, tree = 0; policy < policies_; policy++) {
                const size_t first = shared_ + policy * (own_ + 1), row = ad * policies_ + policy;
                for (size_t i = 0; i < own_; i++) narrow(features_[first + i], own.data()[row * own_ + i]);
                narrow(features_[first + own_], ngrams.data()[row]);
                double sum = 0.0;
                for (; tree < ends_[policy]; tree++) sum += leaves_[first_leaf_[tree] + lowest(reachable_[tree])];
                out.data()[row] = sum;
            }
        }
    }

  private:
    using Mask = uint64_t;  // a bit a leaf, from left to right

    struct Cut {
        uint32_t tree;
        Mask keeps;  // what stays reachable where a node sends the ad to the right
    };
    struct Split {
        double threshold;
        Cut cut;
    };
    struct Categories {
        Cut cut;
        uint32_t begin, words;
    };
    struct Feature {
        std::vector<double> thresholds;  // ascending
        std::vector<Cut> cuts;
        std::vector<Cut> missing;  // of nodes that send a missing value to the right
        std::vector<Categories> categories;
    };
    struct Building {
        const int32_t *nodes;
        const double *thresholds;
        const double *leaves;
        size_t count, tree, policy;
        const int32_t *bounds;
        size_t n_bounds;
    };

    Mask leaf(const Building &one, size_t number) {
        if (number > one.count) throw nb::value_error("a leaf beyond the tree");
        const size_t place = leaves_.size() - first_leaf_.back();
        if (place >= MOST_LEAVES) throw nb::value_error("a tree that comes back to its leaves");
        leaves_.push_back(one.leaves[number]);
        return Mask{1} << place;
    }

    Mask subtree(const Building &one, int32_t node, int depth, std::vector<std::vector<Split>> &splits) {
        if (node < 0) return leaf(one, ~node);
        if (static_cast<size_t>(node) >= one.count || depth > MOST_LEAVES) throw nb::value_error("a node beyond the tree");
        const int32_t *told = one.nodes + 4 * node;
        const Mask left = subtree(one, told[2], depth + 1, splits);
        place(one, node, ~left, splits);
        return left | subtree(one, told[3], depth + 1, splits);
    }

    void place(const Building &one, int32_t node, Mask keeps, std::vector<std::vector<Split>> &splits) {
        const int32_t *told = one.nodes + 4 * node;
        if (told[0] < 0 || static_cast<size_t>(told[0]) >= shared_ + own_ + 1) throw nb::value_error("a feature that is not there");
        const size_t column = told[0], feature = column < shared_ ? column : column + one.policy * (own_ + 1);
        const Cut cut{static_cast<uint32_t>(one.tree), keeps};
        const double threshold = one.thresholds[node];
        if (told[1] & 1) {
            const size_t set = static_cast<size_t>(threshold);
            if (!(threshold >= 0) || set + 1 >= one.n_bounds || one.bounds[set] < 0 || one.bounds[set + 1] < one.bounds[set] ||
                static_cast<size_t>(one.bounds[set + 1]) > sets_.size())
                throw nb::value_error("a set that is not there");
            features_[feature].categories.push_back(
                {cut, static_cast<uint32_t>(one.bounds[set]), static_cast<uint32_t>(one.bounds[set + 1] - one.bounds[set])});
            return;
        }
        const int missing = (told[1] >> 2) & 3;
        if (missing == 1) throw nb::value_error("zero counts as missing");
        if (std::isnan(threshold)) throw nb::value_error("a threshold that is no number");
        splits[feature].push_back({threshold, cut});
        // Where NaN is not expected, it counts as 0.
        const bool left = missing == 2 ? (told[1] & 2) != 0 : 0.0 <= threshold;
        if (!left) features_[feature].missing.push_back(cut);
    }

    void narrow(const Feature &feature, double value) {
        Mask *reachable = reachable_.data();
        if (std::isnan(value)) {
            for (const Cut &cut : feature.missing) reachable[cut.tree] &= cut.keeps;
            for (const Categories &one : feature.categories) reachable[one.cut.tree] &= one.cut.keeps;
            return;
        }
        const size_t below = std::lower_bound(feature.thresholds.begin(), feature.thresholds.end(), value) - feature.thresholds.begin();
        const Cut *cuts = feature.cuts.data();
        for (size_t i = 0; i < below; i++) reachable[cuts[i].tree] &= cuts[i].keeps;
        for (const Categories &one : feature.categories) {
            // As a C cast does on values in range; others are in no set.
            const int64_t category = value > -1.0 && value < 2147483648.0 ? static_cast<int64_t>(value) : -1;
            const bool in = category >= 0 && category / 32 < one.words && (sets_[one.begin + category / 32] >> (category % 32) & 1);
            if (!in) reachable[one.cut.tree] &= one.cut.keeps;
        }
    }

    static int lowest(Mask mask) {
#if defined(__GNUC__) || defined(__clang__)
        return __builtin_ctzll(mask);
#else
        int place = 0;
        while (!(mask >> place & 1)) place++;
        return place;
#endif
    }

    size_t policies_, shared_, own_;
    std::vector<uint32_t> sets_;
    std::vector<Feature> features_;  // shared, then each policy's own and its n-gram score
    std::vector<size_t> ends_;       // of each policy's trees
    std::vector<Mask> all_, reachable_;
    std::vector<uint32_t> first_leaf_;
    std::vector<double> leaves_;
};

}  // namespace adverdict
