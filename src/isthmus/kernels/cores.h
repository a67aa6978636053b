// Sets the core on which a thread may run, and tells whether it runs. Only on Linux; elsewhere it does nothing.

#pragma once

#include <atomic>

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#endif

namespace cores {

#if defined(__linux__)

// The place of a helper thread, set by the thread that calls the helper.
class Place {
    std::atomic<int> id{0};
    clockid_t clock{};
    int avoided = -1;  // the core that the helper may not use
    long long ran = 0;

    long long nanoseconds() const {
        timespec time{};
        clock_gettime(clock, &time);
        return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
    }

  public:
    // Called once, by the helper itself.
    void settle() {
        pthread_getcpuclockid(pthread_self(), &clock);
        id = (int)syscall(SYS_gettid);
    }

    // Lets the helper run on every core that the caller may use, except the caller's current one.
    void keep_from_here() {
        const int here = sched_getcpu();
        if (here == avoided || !id) return;
        cpu_set_t allowed;
        if (here < 0 || here >= CPU_SETSIZE || sched_getaffinity(0, sizeof allowed, &allowed)) return;
        CPU_CLR(here, &allowed);
        if (CPU_COUNT(&allowed)) sched_setaffinity(id, sizeof allowed, &allowed);
        avoided = here;
    }

    // Moves the helper to the caller's core until the next `keep_from_here`; the caller should sleep meanwhile.
    void take_here() {
        const int here = sched_getcpu();
        if (here < 0 || here >= CPU_SETSIZE) return;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(here, &one);
        sched_setaffinity(id, sizeof one, &one);
        avoided = -1;
    }

    void watch() { ran = nanoseconds(); }

    // Whether the helper has run since the last call of `watch` or `runs`.
    bool runs() {
        const long long before = ran;
        ran = nanoseconds();
        return ran != before;
    }
};

#else

struct Place {
    void settle() {}
    void keep_from_here() {}
    void take_here() {}
    void watch() {}
    bool runs() { return false; }
};

#endif

}  // namespace cores
