// The clock of the harness, and how long it waits for what must come.
#ifndef IPCSPEC_PLATFORMS_KERNEL_MONOTONIC_H_
#define IPCSPEC_PLATFORMS_KERNEL_MONOTONIC_H_

#include <cstdint>
#include <ctime>

namespace ipcspec {

// ns without any progress, and the harness gives up: undecided.
inline constexpr int64_t kNoProgress = 10'000'000'000;

// ns of CLOCK_MONOTONIC.
inline int64_t Monotonic() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_MONOTONIC_H_
