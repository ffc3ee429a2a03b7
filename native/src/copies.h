// What copies of ads are found by: adverdict.clusters, number for number. Whole numbers only.
#pragma once

#include <algorithm>

#include "ngrams.h"
#include "points.h"

// The inner loop is as wide as the processor at hand allows, looked up when the module is loaded; elsewhere as wide as any has.
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define ADVERDICT_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define ADVERDICT_WIDE
#endif

namespace adverdict {

// SplitMix64's last step, as adverdict.clusters.minhash.scramble.
inline uint64_t scrambled(uint64_t key) {
    key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9ull;
    key = (key ^ (key >> 27)) * 0x94D049BB133111EBull;
    return key ^ (key >> 31);
}

// least[i] = min(least[i], hash * factors[i]) for all hashes.
ADVERDICT_WIDE static void least_of(const uint32_t *hashes, size_t count, const uint32_t *factors, uint32_t *least, size_t size) {
    for (size_t h = 0; h < count; h++) {
        const uint32_t hash = hashes[h];
        for (size_t i = 0; i < size; i++) {
            const uint32_t product = hash * factors[i];
            least[i] = product < least[i] ? product : least[i];
        }
    }
}

class Copies {
  public:
    // table: code point -> the letter it folds to, the last for all beyond. mark and inside: set in codes of stand-ins.
    // base: of shingles' hashes.
    Copies(Array<uint32_t, 1> table, uint32_t mark, uint32_t inside, Array<uint32_t, 1> factors, uint64_t base, size_t shingle)
        : table_(table), mark_(mark), inside_(inside), factors_(factors), base_(base), shingle_(shingle), least_(factors.shape(0)) {
        if (table.shape(0) < 2 || factors.shape(0) % rows || !shingle || inside <= mark) throw nb::value_error("arrays do not fit");
    }

    // As fold and signatures together; of texts that fold._plain has seen. words: uint16 (n, size), letters: int32 (n,).
    void sign(nb::list texts, Out<uint16_t, 2> words, Out<int32_t, 1> letters) {
        const size_t n = nb::len(texts), size = factors_.shape(0);
        if (words.shape(0) != n || words.shape(1) != size || letters.shape(0) != n) throw nb::value_error("arrays do not fit");
        for (size_t at = 0; at < n; at++) {
            load(nb::handle(PyList_GET_ITEM(texts.ptr(), at)).ptr(), text_);
            fold();
            letters(at) = static_cast<int32_t>(letters_.size());
            uint16_t *out = words.data() + at * size;
            if (letters_.empty()) {
                std::fill(out, out + size, 0);
                continue;
            }
            shingles();
            std::fill(least_.begin(), least_.end(), UINT32_MAX);
            least_of(hashes_.data(), hashes_.size(), factors_.data(), least_.data(), size);
            for (size_t i = 0; i < size; i++) out[i] = static_cast<uint16_t>(least_[i] ^ (least_[i] >> 16));
        }
    }

    // As minhash.band_keys, the first columns of keys: uint64 (n, bands + …).
    void band_keys(Array<uint16_t, 2> words, Out<uint64_t, 2> keys) const {
        const size_t n = words.shape(0), size = words.shape(1), bands = size / rows;
        if (keys.shape(0) != n || keys.shape(1) < bands) throw nb::value_error("arrays do not fit");
        for (size_t at = 0; at < n; at++)
            for (size_t band = 0; band < bands; band++) {
                const uint16_t *four = words.data() + at * size + band * rows;
                const uint64_t key = four[0] | uint64_t(four[1]) << 16 | uint64_t(four[2]) << 32 | uint64_t(four[3]) << 48;
                keys(at, band) = scrambled(key + base_ * (band + 1));
            }
    }

    // As pictures.picture_keys, for hashes of one length, into the columns from first on. rows: whose; places: (keys, bits of a key).
    void picture_keys(Array<uint8_t, 2> packed, Array<int64_t, 1> whose, Array<int64_t, 2> places, uint64_t length, Out<uint64_t, 2> keys, size_t first) const {
        const size_t many = places.shape(0), each = places.shape(1);
        if (keys.shape(0) != packed.shape(0) || keys.shape(1) < first + many || each > 40) throw nb::value_error("arrays do not fit");
        for (size_t i = 0; i < whose.shape(0); i++) {
            const size_t row = static_cast<size_t>(whose(i));
            if (row >= packed.shape(0)) throw nb::index_error("rows");
            for (size_t key = 0; key < many; key++) {
                uint64_t found = 0;
                for (size_t bit = 0; bit < each; bit++) {
                    const size_t place = static_cast<size_t>(places(key, bit));
                    if (place >= 8 * packed.shape(1)) throw nb::index_error("places");
                    found |= uint64_t(packed(row, place >> 3) >> (7 - (place & 7)) & 1) << bit;
                }
                keys(row, first + key) = scrambled(found | uint64_t(key + 1) << each | length << 40);
            }
        }
    }

  private:
    static constexpr size_t rows = 4;  // of a band

    // letters_: of text_, as fold.fold has them.
    void fold() {
        const size_t n = text_.size(), last = table_.shape(0) - 1;
        const uint32_t *table = table_.data();
        for (uint32_t &point : text_) point = table[std::min<size_t>(point, last)];
        letters_.clear();
        for (size_t i = 0; i < n;) {
            if (text_[i] < mark_) {
                if (text_[i]) push(text_[i]);
                i++;
                continue;
            }
            size_t end = i;  // of a run of signs that stand for letters
            while (end < n && text_[end] >= mark_) end++;
            const bool left = i > 0 && text_[i - 1] != 0, right = end < n && text_[end] != 0;
            for (; i < end; i++)
                if (text_[i] >= inside_ ? left && right : left || right) {
                    const uint32_t letter = text_[i] & (mark_ - 1);
                    if (letter) push(letter);
                }
        }
    }
    void push(uint32_t letter) {
        if (letters_.empty() || letters_.back() != letter) letters_.push_back(letter);
    }

    void shingles() {
        if (letters_.size() < shingle_) letters_.resize(shingle_, 0);
        hashes_.resize(letters_.size() - shingle_ + 1);
        for (size_t i = 0; i < hashes_.size(); i++) {
            uint64_t hash = 0;
            for (size_t place = 0; place < shingle_; place++) hash = hash * base_ + letters_[i + place];
            hashes_[i] = static_cast<uint32_t>(scrambled(hash) >> 32);
        }
    }

    Array<uint32_t, 1> table_;
    uint32_t mark_, inside_;
    Array<uint32_t, 1> factors_;
    uint64_t base_;
    size_t shingle_;
    std::vector<uint32_t> text_, letters_, hashes_, least_;
};

// The hash table of adverdict.clusters.buckets, whose arrays stay Python's. Keys that are 0 are taken for 1.
inline size_t slot_of(const Out<uint64_t, 1> &keys, uint64_t key) {
    const size_t last = keys.shape(0) - 1;
    size_t at = key & last;
    while (keys(at) && keys(at) != key) at = (at + 1) & last;
    return at;
}

inline void bucket_find(Out<uint64_t, 1> keys, Out<int32_t, 1> first, Array<uint64_t, 1> wanted, Out<int32_t, 1> found) {
    for (size_t i = 0; i < wanted.shape(0); i++) {
        const size_t at = slot_of(keys, wanted(i) ? wanted(i) : 1);
        found(i) = keys(at) ? first(at) : -1;
    }
}

// Who had a key first; who asks, where nobody had it. used: of the slots.
inline int32_t claimed(const Out<uint64_t, 1> &keys, const Out<int32_t, 1> &first, uint64_t key, int32_t owner, size_t &used) {
    key = key ? key : 1;
    const size_t at = slot_of(keys, key);
    if (!keys(at)) {
        keys(at) = key;
        first(at) = owner;
        used++;
    }
    return first(at);
}

// How many slots are used that were not.
inline size_t bucket_claim(Out<uint64_t, 1> keys, Out<int32_t, 1> first, Array<uint64_t, 1> wanted, Array<int32_t, 1> owners, Out<int32_t, 1> found) {
    size_t used = 0;
    for (size_t i = 0; i < wanted.shape(0); i++) found(i) = claimed(keys, first, wanted(i), owners(i), used);
    return used;
}

// Pairs of ads that share a bucket, once each and in order, int32 (n, 2): the ads numbered from own on, with the earlier ones; and how many
// slots are used that were not. As ClusterIndex._met; wanted and there: (ads, keys). claim: buckets that nobody has are taken.
inline nb::tuple bucket_met(Out<uint64_t, 1> keys, Out<int32_t, 1> first, Array<uint64_t, 2> wanted, Array<bool, 2> there, int32_t own, bool claim) {
    static std::vector<int32_t> pairs, others;  // scratch: whoever comes here holds the interpreter's lock
    pairs.clear();
    size_t used = 0;
    if (there.shape(0) != wanted.shape(0) || there.shape(1) != wanted.shape(1)) throw nb::value_error("arrays do not fit");
    for (size_t row = 0; row < wanted.shape(0); row++) {
        const int32_t who = own + static_cast<int32_t>(row);
        others.clear();
        for (size_t at = 0; at < wanted.shape(1); at++) {
            if (!there(row, at)) continue;
            int32_t other;
            if (claim) {
                other = claimed(keys, first, wanted(row, at), who, used);
            } else {
                const size_t slot = slot_of(keys, wanted(row, at) ? wanted(row, at) : 1);
                other = keys(slot) ? first(slot) : -1;
            }
            if (other >= 0 && other != who) others.push_back(other);
        }
        std::sort(others.begin(), others.end());
        others.erase(std::unique(others.begin(), others.end()), others.end());
        for (const int32_t other : others) {
            pairs.push_back(who);
            pairs.push_back(other);
        }
    }
    return nb::make_tuple(nb::bytes(reinterpret_cast<const char *>(pairs.data()), pairs.size() * sizeof(int32_t)), used);
}

// Pairs of ads, looked at as ClusterIndex._near does. pairs: (n, 2); the columns after are the index's, by ad; the last four are written.
inline void look_at(Array<int32_t, 2> pairs, Array<uint16_t, 2> words, Array<int32_t, 1> letters, Array<uint8_t, 2> picture, Array<int16_t, 1> bits,
                    Array<uint64_t, 1> page, std::tuple<double, double, double, int> limits, Out<bool, 1> near, Out<double, 1> alike, Out<double, 1> apart,
                    Out<bool, 1> same_page) {
    const auto [copy, similar, near_picture, fewest] = limits;
    const size_t size = words.shape(1), width = picture.shape(1), ads = words.shape(0);
    for (size_t i = 0; i < pairs.shape(0); i++) {
        const size_t one = static_cast<size_t>(pairs(i, 0)), other = static_cast<size_t>(pairs(i, 1));
        if (one >= ads || other >= ads) throw nb::index_error("pairs");
        const int32_t least = std::min(letters(one), letters(other));
        size_t same = 0;
        for (size_t at = 0; at < size; at++) same += words(one, at) == words(other, at);
        alike(i) = least > 0 ? static_cast<double>(same) / static_cast<double>(size) : 0.0;
        const int16_t length = bits(one);
        const bool seen = length > 0 && length == bits(other);
        size_t differ = 0;
        if (seen)
            for (size_t at = 0; at < width; at++)
                for (uint8_t left = picture(one, at) ^ picture(other, at); left; left &= static_cast<uint8_t>(left - 1)) differ++;
        apart(i) = seen ? static_cast<double>(differ) / length : std::nan("");
        same_page(i) = page(one) != 0 && page(one) == page(other);
        const bool enough = least >= fewest, shown = seen && apart(i) <= near_picture, mute = letters(one) == 0 && letters(other) == 0;
        near(i) = (enough && alike(i) >= copy) || ((shown || same_page(i)) && alike(i) >= similar && (enough || shown)) || (mute && shown);
    }
}

}  // namespace adverdict
