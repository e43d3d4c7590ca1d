// What a compiled network reads while it runs: recorded spikes, an input current, the weight of each stretch of time,
// the wiring, the last time step and the seed. One folder of flat little-endian files, named by the variable BRAINSIM_INPUT.
#ifndef BRAINSIM_RECORDED_INPUT_H
#define BRAINSIM_RECORDED_INPUT_H
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
extern "C" double exp(double) noexcept __attribute__((simd("notinbranch")));  // there is one for a whole vector
#endif

namespace brainsim {

template <class T> struct Flat {  // a file as an array; empty when there is no such file
    const T* data = nullptr;
    int64_t size = 0;
    explicit Flat(const char* name) {
        const char* folder = std::getenv("BRAINSIM_INPUT");
        int file = open((std::string(folder ? folder : ".") + "/" + name).c_str(), O_RDONLY);
        struct stat facts;
        if (file < 0) return;
        if (fstat(file, &facts) == 0 && facts.st_size > 0) {
            void* at = mmap(nullptr, facts.st_size, PROT_READ, MAP_PRIVATE, file, 0);
            if (at != MAP_FAILED) { data = static_cast<const T*>(at); size = facts.st_size / sizeof(T); }
        }
        close(file);
    }
};

// clock.bin: last step, seed, steps per stretch of time, steps per frame of the input current, neurons of the current,
// postsynaptic neurons of the wiring, neurons that are simulated (the first ones; 0: all)
inline const Flat<int64_t>& clock_facts() { static const Flat<int64_t> f("clock.bin"); return f; }
inline const Flat<int64_t>& first_event() { static const Flat<int64_t> f("event_first.bin"); return f; }
inline const Flat<int32_t>& event_steps() { static const Flat<int32_t> f("event_step.bin"); return f; }
inline const Flat<float>& event_sizes() { static const Flat<float> f("event_amplitude.bin"); return f; }
inline const Flat<signed char>& stretches() { static const Flat<signed char> f("stretch.bin"); return f; }
inline const Flat<float>& current_value() { static const Flat<float> f("current.bin"); return f; }
inline const Flat<float>& current_slope() { static const Flat<float> f("current_slope.bin"); return f; }
inline const Flat<int16_t>& synapse_delays() { static const Flat<int16_t> f("synapse_delay.bin"); return f; }
inline int64_t last_step() { return clock_facts().size > 0 ? clock_facts().data[0] : 0; }
inline int32_t active(int32_t all) {  // how many neurons are simulated, in whole vectors
    const int64_t some = clock_facts().size > 6 ? clock_facts().data[6] : 0;
    return some > 0 && some < all ? static_cast<int32_t>((some + 7) & ~7) : all;
}
inline unsigned long seed() { return clock_facts().size > 1 ? static_cast<unsigned long>(clock_facts().data[1]) : 0; }

}  // namespace brainsim

// time step of the k-th recorded event of a source, or one that never comes
static inline int event_step(int source, int k) {
    const auto& first = brainsim::first_event();
    if (source + 1 >= first.size) return 2147483647;
    const int64_t at = first.data[source] + k;
    return at < first.data[source + 1] ? brainsim::event_steps().data[at] : 2147483647;
}

static inline double event_amplitude(int source, int k) {
    const auto& first = brainsim::first_event();
    if (source + 1 >= first.size) return 0.0;
    const int64_t at = first.data[source] + k;
    return at < first.data[source + 1] ? brainsim::event_sizes().data[at] : 0.0;
}

// 1: this stretch of time is fitted; 2: it is held out; 0: it is left out
static inline double stretch_kind(int step) {
    const auto& kinds = brainsim::stretches();
    const int64_t at = step / brainsim::clock_facts().data[2];
    return at < kinds.size ? kinds.data[at] : 0;
}

// delay of the synapse of a pair in time steps; -1 where there is no synapse
static inline int synapse_delay(int source, int target) {
    const int64_t targets = brainsim::clock_facts().data[5], at = source * targets + target;
    return target < targets && at < brainsim::synapse_delays().size ? brainsim::synapse_delays().data[at] : -1;
}

// exp(x) for x from -50 to 30, beyond as at the border: powers of 2 and a Taylor series, which the compiler makes into
// vectors (error below 3e-13 of the result)
static inline double bounded_exp(double x) {
    x = x > -50.0 ? x : -50.0;
    x = x < 30.0 ? x : 30.0;
    const double k = rint(x * 1.4426950408889634);
    const double r = x - k * 0.6931471805599453;
    double y = 1.0 / 3628800;
    y = y * r + 1.0 / 362880;
    y = y * r + 1.0 / 40320;
    y = y * r + 1.0 / 5040;
    y = y * r + 1.0 / 720;
    y = y * r + 1.0 / 120;
    y = y * r + 1.0 / 24;
    y = y * r + 1.0 / 6;
    y = y * r + 0.5;
    y = y * r + 1.0;
    y = y * r + 1.0;
    const int64_t bits = (static_cast<int64_t>(static_cast<int32_t>(k)) + 1023) << 52;
    double power;
    std::memcpy(&power, &bits, sizeof power);
    return y * power;
}

// input current of a neuron: cubic Hermite between frames (pchip, when the slopes are those of pchip)
static inline double input_current(int neuron, int step) {
    const int64_t* facts = brainsim::clock_facts().data;
    const int64_t per_frame = facts[3], neurons = facts[4], frame = step / per_frame;
    const auto& value = brainsim::current_value();
    if (neuron >= neurons || (frame + 1) * neurons > value.size) return 0.0;
    const float *y = value.data + frame * neurons + neuron, *m = brainsim::current_slope().data + frame * neurons + neuron;
    if ((frame + 2) * neurons > value.size) return *y;
    const double s = static_cast<double>(step % per_frame) / per_frame, r = 1.0 - s;
    return (1 + 2 * s) * r * r * y[0] + s * r * r * m[0] + s * s * (3 - 2 * s) * y[neurons] - s * s * r * m[neurons];
}
#endif
