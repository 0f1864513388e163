// IPCSPEC_CHECK stops with a message on a bug of our own. Trouble of the harness is an
// absl::Status, and what a kernel answers is an Outcome: neither comes through here.
#ifndef IPCSPEC_IMPL_CALL_CHECK_H_
#define IPCSPEC_IMPL_CALL_CHECK_H_

#include <cstdio>
#include <cstdlib>

#define IPCSPEC_CHECK(condition, message)                                                     \
  do {                                                                                        \
    if (!(condition)) {                                                                       \
      std::fprintf(stderr, "%s:%d: bug in ipcspec: %s (%s)\n", __FILE__, __LINE__, (message), \
                   #condition);                                                               \
      std::abort();                                                                           \
    }                                                                                         \
  } while (false)

#endif  // IPCSPEC_IMPL_CALL_CHECK_H_
