// Cross-correlograms of spike trains: work per pair of near spikes, none per bin.
#include <cstdint>

// count[pre][post][lag] += product of the amplitudes, for lag = 0 .. lags - 1 bins. Spikes are in order of time; those
// of each neuron are found at `at[first[neuron]] ..`. One presynaptic neuron after the other: its counts stay in cache.
extern "C" void correlogram(int64_t spikes, const int32_t* bin, const int32_t* neuron, const float* amplitude,
                            int64_t neurons, const int64_t* first, const int64_t* at, int64_t lags, float* count) {
    for (int64_t pre = 0; pre < neurons; ++pre) {
        float* row = count + pre * neurons * lags;
        for (int64_t k = first[pre]; k < first[pre + 1]; ++k) {
            const int64_t a = at[k];
            for (int64_t b = a; b < spikes && bin[b] - bin[a] < lags; ++b)
                row[neuron[b] * lags + bin[b] - bin[a]] += amplitude[a] * amplitude[b];
            for (int64_t b = a - 1; b >= 0 && bin[b] == bin[a]; --b) row[neuron[b] * lags] += amplitude[a] * amplitude[b];
        }
    }
}
