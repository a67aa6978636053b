// What Python calls: operations whose lists of arguments stand here once, as the compiler sees them; Python reads them.

#pragma once

#include "buffers.h"

// One of all operations of the library.
struct Listed {
    const char *const text;  // name(arguments)
    const Listed *const next;
    explicit Listed(const char *text);
};

#define TEXT_OF(...) TEXT_AS_IT_IS(__VA_ARGS__)
#define TEXT_AS_IT_IS(...) #__VA_ARGS__

// Begins an operation, ARGUMENTS in brackets. It returns what `guarded` does.
#define OPERATION(NAME, ARGUMENTS)                                                                                     \
    static const Listed NAME##_listed(#NAME "(" TEXT_OF ARGUMENTS ")");                                                \
    extern "C" int NAME ARGUMENTS
