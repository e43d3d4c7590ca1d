// Cross-correlograms of spike trains: work per pair of near spikes, none per bin.
#include <cstdint>

// count[post][lags - 1 + lag] += product of the amplitudes, for one neuron `pre` and lag = -(lags - 1) .. lags - 1 bins;
// at a positive lag `post` fires after `pre`. Spikes are in order of time; those of `pre` are found at `at[first] ..
// at[last - 1]`.
extern "C" void correlogram(int64_t spikes, const int32_t* bin, const int32_t* neuron, const float* amplitude,
                            const int64_t* at, int64_t first, int64_t last, int64_t lags, float* count) {
    const int64_t width = 2 * lags - 1;
    for (int64_t k = first; k < last; ++k) {
        const int64_t a = at[k], middle = lags - 1 - bin[a];
        for (int64_t b = a; b < spikes && bin[b] - bin[a] < lags; ++b)
            count[neuron[b] * width + middle + bin[b]] += amplitude[a] * amplitude[b];
        for (int64_t b = a - 1; b >= 0 && bin[a] - bin[b] < lags; --b)
            count[neuron[b] * width + middle + bin[b]] += amplitude[a] * amplitude[b];
    }
}
