// The list of operations; see operations.h.

#include "operations.h"

static const Listed *all = nullptr;

Listed::Listed(const char *text) : text(text), next(all) { all = this; }

// The text of operation number `at`, from 0; null past the last.
extern "C" const char *operation(int at) {
    const Listed *found = all;
    for (; found && at > 0; at--) found = found->next;
    return found ? found->text : nullptr;
}
