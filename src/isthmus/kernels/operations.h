// The operations that Python calls. Python reads their argument lists from the library, so they are written only once.

#pragma once

#include "buffers.h"

// An entry in the list of the library's operations.
struct Listed {
    const char *const text;  // name(arguments)
    const Listed *const next;
    explicit Listed(const char *text);
};

#define TEXT_OF(...) TEXT_AS_IT_IS(__VA_ARGS__)
#define TEXT_AS_IT_IS(...) #__VA_ARGS__

// Begins an operation; ARGUMENTS stand in brackets. It returns what `guarded` returns.
#define OPERATION(NAME, ARGUMENTS)                                                                                     \
    static const Listed NAME##_listed(#NAME "(" TEXT_OF ARGUMENTS ")");                                                \
    extern "C" int NAME ARGUMENTS
