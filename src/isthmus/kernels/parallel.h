// Loops whose pieces are shared out among threads.
//
// OpenMP's threads wait for each other at the end of every loop, also for one that the system has not let run yet, and
// spin while they wait: beside another program's busy process a training had a tenth to a third of its speed. Here a loop ends when
// its pieces are done, whoever did them; see records/2026-11-28-neighbour-first-look.md.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace parallel {

// The pieces of a loop, 0 <= piece < count, each taken once. A thread begins with a share of its own, so that it finds in
// its cache what it wrote in the loop before, and then takes from the ends of others' shares.
class Pieces {
    struct alignas(64) Share {
        std::atomic<uint64_t> open;  // its first piece, and the one after its last in the upper half
    };
    const int shares;
    const std::unique_ptr<Share[]> of;

  public:
    Pieces(int count, int shares);
    int take(int thread);  // -1 where none is left
};

typedef void (*Work)(void *context, Pieces &pieces, int thread);

// Calls work(context, pieces, thread) in this thread, 0, and in those of at most `threads` - 1 others that are free before
// all pieces are taken; returns once all that were taken are done. Rethrows an exception of any.
void run(int count, int threads, Work work, void *context);

// Calls work(next, thread) in up to `threads` threads; next() is a piece that is nobody else's, or -1 in the end.
template <class Body> void over(int count, int threads, Body body) {
    const auto work = [](void *context, Pieces &pieces, int thread) {
        (*(Body *)context)([&pieces, thread] { return pieces.take(thread); }, thread);
    };
    run(count, threads, work, &body);
}

// Calls visit(piece) for all pieces. What it does must not depend on which thread does it.
template <class Visit> void each(int count, int threads, Visit visit) {
    over(count, threads, [&](auto next, int) {
        for (int piece; (piece = next()) >= 0;) visit(piece);
    });
}

// Calls visit(begin, end) for parts of 0 .. count of `length` each, the last may be shorter.
template <class Visit> void chunks(long count, long length, int threads, Visit visit) {
    each((int)((count + length - 1) / length), threads, [&](int piece) {
        const long begin = piece * length, end = begin + length;
        visit(begin, end < count ? end : count);
    });
}

}  // namespace parallel
