// Helper threads for loops; see parallel.h.
//
// The system may take a thread off its core for some milliseconds in the middle of a piece, and all others would wait
// for it. So helpers may not use the core of the thread that calls them, where they would gain nothing. If a helper
// holds a piece and does not run, it gets that core while the caller sleeps.

#include "parallel.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "cores.h"

namespace parallel {

namespace {

typedef std::chrono::steady_clock Clock;

constexpr std::chrono::microseconds READY(200);    // a helper spins this long for the next loop, then sleeps
constexpr std::chrono::microseconds PATIENCE(50);  // a caller spins this long, then checks whether its helper runs

inline void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// Spins until `holds` is true or the time is over; returns whether it was true.
template <class Condition> bool within(std::chrono::microseconds limit, Condition holds) {
    const auto end = Clock::now() + limit;
    do
        for (int i = 0; i < 16; i++) {
            if (holds()) return true;
            pause();
        }
    while (Clock::now() < end);
    return false;
}

struct Loop {
    Pieces &pieces;
    const Work work;
    void *const context;
    std::mutex lock;
    std::exception_ptr thrown;  // the first exception

    void work_on(int thread) {
        try {
            work(context, pieces, thread);
        } catch (...) {
            const std::lock_guard<std::mutex> held(lock);
            if (!thrown) thrown = std::current_exception();
        }
    }
};

class Helper {
    enum State { FREE, CALLED, WORKING };

    const int number;
    std::atomic<State> state{FREE};
    std::atomic<bool> asleep{false}, awaited{false};
    std::mutex lock;
    std::condition_variable changed;
    Loop *loop = nullptr;
    cores::Place place;

    bool called() const { return state == CALLED; }
    bool done() const { return state == FREE; }

    void tell() {
        const std::lock_guard<std::mutex> held(lock);
        changed.notify_all();
    }

    void live() {
        place.settle();
        while (true) {
            if (!within(READY, [this] { return called(); })) {
                std::unique_lock<std::mutex> held(lock);
                asleep = true;
                changed.wait(held, [this] { return called(); });
                asleep = false;
            }
            State now = CALLED;
            if (!state.compare_exchange_strong(now, WORKING)) continue;  // the loop ended without this helper
            loop->work_on(number);
            state = FREE;
            if (awaited) tell();
        }
    }

  public:
    // May throw std::system_error. The thread lives as long as the process.
    explicit Helper(int number) : number(number) {
        std::thread([this] { live(); }).detach();
    }

    void call(Loop &to) {
        place.keep_from_here();
        loop = &to;
        state = CALLED;
        if (asleep) tell();
    }

    // Returns when the helper is done with the loop; at once if it has not started.
    void dismiss() {
        State now = CALLED;
        if (state.compare_exchange_strong(now, FREE)) return;
        place.watch();
        while (!within(PATIENCE, [this] { return done(); }))
            if (!place.runs()) {
                place.take_here();
                std::unique_lock<std::mutex> held(lock);
                awaited = true;
                changed.wait(held, [this] { return done(); });
                awaited = false;
                place.keep_from_here();
                return;
            }
    }
};

class Pool {
    std::atomic_flag busy = ATOMIC_FLAG_INIT;
    std::vector<Helper *> helpers;

    // Starts helpers until there are `count`; returns how many of these it could get.
    int grow(int count) {
        try {
            while ((int)helpers.size() < count) helpers.push_back(new Helper((int)helpers.size() + 1));
        } catch (const std::exception &) {  // no memory, or no more threads
        }
        return std::min(count, (int)helpers.size());
    }

  public:
    void run(Loop &loop, int threads) {
        // a second caller at the same time, or a loop inside a loop, works alone
        if (threads < 2 || busy.test_and_set()) return loop.work_on(0);
        const int count = grow(threads - 1);
        for (int i = 0; i < count; i++) helpers[i]->call(loop);
        loop.work_on(0);
        for (int i = 0; i < count; i++) helpers[i]->dismiss();
        busy.clear();
    }
};

Pool *pool;  // never deleted: its helpers run until the process ends

// Also runs in a forked process, where it must not throw. Without memory, every caller works alone.
void begin() { pool = new (std::nothrow) Pool; }

}  // namespace

Pieces::Pieces(int count, int shares) : shares(shares), of(new Share[shares]) {
    for (int i = 0; i < shares; i++) {
        const uint64_t begin = (uint64_t)count * i / shares, end = (uint64_t)count * (i + 1) / shares;
        of[i].open = end << 32 | begin;
    }
}

int Pieces::take(int thread) {
    for (int i = 0; i < shares; i++) {
        std::atomic<uint64_t> &open = of[(thread + i) % shares].open;
        for (uint64_t old = open; (uint32_t)old < old >> 32;) {
            const uint64_t rest = i ? old - (1ull << 32) : old + 1;
            if (open.compare_exchange_weak(old, rest)) return i ? (int)(rest >> 32) : (int)(uint32_t)old;
        }
    }
    return -1;
}

void run(int count, int threads, Work work, void *context) {
    // a forked process has no helpers, and would wait for ever for its parent's
    static const int forks = (begin(), pthread_atfork(nullptr, nullptr, begin));
    (void)forks;
    threads = std::clamp(threads, 1, std::max(count, 1));
    Pieces pieces(count, threads);
    Loop loop{pieces, work, context, {}, {}};
    if (pool)
        pool->run(loop, threads);
    else
        loop.work_on(0);
    if (loop.thrown) std::rethrow_exception(loop.thrown);
}

}  // namespace parallel
