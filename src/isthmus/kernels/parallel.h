// Loops whose pieces are shared among threads.
//
// OpenMP's threads wait at the end of every loop for all others, even for one that the system has not let run yet, and
// they spin while they wait: beside another busy process, training had a tenth to a third of its speed. Here a loop
// ends when its pieces are done, whichever threads did them; see records/2026-11-28-neighbour-first-look.md.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace parallel {

// The pieces of a loop, 0 <= piece < count, each taken once. A thread begins with its own share, because its cache
// still holds what it wrote there in the previous loop, and then takes pieces from the ends of other shares.
class Pieces {
    struct alignas(64) Share {
        std::atomic<uint64_t> open;  // lower half: the first piece; upper half: one past the last
    };
    const int shares;
    const std::unique_ptr<Share[]> of;

  public:
    Pieces(int count, int shares);
    int take(int thread);  // -1 if none is left
};

typedef void (*Work)(void *context, Pieces &pieces, int thread);

// Calls work(context, pieces, thread) in this thread, number 0, and in up to `threads` - 1 helpers. Returns when all
// taken pieces are done; it does not wait for a helper that has not started. Rethrows the first exception.
void run(int count, int threads, Work work, void *context);

// Calls body(next, thread) in up to `threads` threads; next() returns a piece that no other thread gets, -1 at the end.
template <class Body> void over(int count, int threads, Body body) {
    const auto work = [](void *context, Pieces &pieces, int thread) {
        (*(Body *)context)([&pieces, thread] { return pieces.take(thread); }, thread);
    };
    run(count, threads, work, &body);
}

// Calls visit(piece) for all pieces. The result must not depend on the thread that calls it.
template <class Visit> void each(int count, int threads, Visit visit) {
    over(count, threads, [&](auto next, int) {
        for (int piece; (piece = next()) >= 0;) visit(piece);
    });
}

// Calls visit(begin, end) for parts of 0 .. count; each has `length`, only the last may be shorter.
template <class Visit> void chunks(long count, long length, int threads, Visit visit) {
    each((int)((count + length - 1) / length), threads, [&](int piece) {
        const long begin = piece * length, end = begin + length;
        visit(begin, end < count ? end : count);
    });
}

}  // namespace parallel
