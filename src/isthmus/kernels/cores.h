// On which core a thread may run, and whether it does; elsewhere than Linux nobody knows.

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

// Of a helper, by the thread that calls it.
class Place {
    std::atomic<int> id{0};
    clockid_t clock{};
    int avoided = -1;  // a core
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

    // It runs on any core that the caller may use but the caller's own.
    void keep_from_here() {
        const int here = sched_getcpu();
        if (here == avoided || !id) return;
        cpu_set_t allowed;
        if (here < 0 || here >= CPU_SETSIZE || sched_getaffinity(0, sizeof allowed, &allowed)) return;
        CPU_CLR(here, &allowed);
        if (CPU_COUNT(&allowed)) sched_setaffinity(id, sizeof allowed, &allowed);
        avoided = here;
    }

    // It runs on the caller's core, which is to sleep, until it is kept from it again.
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

    // Whether it has run since it was last asked, or watched.
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
