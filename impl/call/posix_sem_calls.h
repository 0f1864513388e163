// Calls on POSIX semaphores: sem_overview(7).
//
// A semaphore is named by an address: of an unnamed one, some place in memory (`address` and
// `offset`); of a named one, what sem_open gave.
#ifndef IPCSPEC_IMPL_CALL_POSIX_SEM_CALLS_H_
#define IPCSPEC_IMPL_CALL_POSIX_SEM_CALLS_H_

#include <string>
#include <string_view>

#include "impl/call/fields.h"
#include "impl/call/types.h"

namespace ipcspec {

// sem_init(3).
struct PsemInit {
  static constexpr std::string_view kName = "sem_init";
  Address address;
  int64_t offset = 0;
  bool shared = false;
  int64_t value = 0;
  IPCSPEC_FIELDS(PsemInit, address, offset, shared, value)
};

struct PsemDestroy {
  static constexpr std::string_view kName = "sem_destroy";
  Address address;
  int64_t offset = 0;
  IPCSPEC_FIELDS(PsemDestroy, address, offset)
};

// sem_open(3). Returns the address of the semaphore.
struct PsemOpen {
  static constexpr std::string_view kName = "sem_open";
  static constexpr ArgKind kGives = ArgKind::kAddress;
  std::string name;
  OpenFlags flags;
  Mode mode = 0600;
  int64_t value = 0;
  IPCSPEC_FIELDS(PsemOpen, name, flags, mode, value)
};

struct PsemClose {
  static constexpr std::string_view kName = "sem_close";
  Address address;
  IPCSPEC_FIELDS(PsemClose, address)
};

struct PsemUnlink {
  static constexpr std::string_view kName = "sem_unlink";
  std::string name;
  IPCSPEC_FIELDS(PsemUnlink, name)
};

struct PsemPost {
  static constexpr std::string_view kName = "sem_post";
  Address address;
  int64_t offset = 0;
  IPCSPEC_FIELDS(PsemPost, address, offset)
};

struct PsemTryWait {
  static constexpr std::string_view kName = "sem_trywait";
  Address address;
  int64_t offset = 0;
  IPCSPEC_FIELDS(PsemTryWait, address, offset)
};

// sem_wait(3); with a timeout sem_timedwait(3), or sem_clockwait(3) when a clock is named. The
// deadline is the time of the call and `timeout`: a negative timeout has passed. `bad_time`: a time
// whose nanoseconds are out of range is passed instead.
struct PsemWait {
  static constexpr std::string_view kName = "sem_wait";
  static constexpr bool kRestartable = true;
  Address address;
  int64_t offset = 0;
  Nanos timeout;
  Clock clock = Clock::kDefault;
  bool bad_time = false;
  IPCSPEC_FIELDS(PsemWait, address, offset, timeout, clock, bad_time)
};

// sem_getvalue(3). values: the value.
struct PsemGetValue {
  static constexpr std::string_view kName = "sem_getvalue";
  Address address;
  int64_t offset = 0;
  IPCSPEC_FIELDS(PsemGetValue, address, offset)
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_POSIX_SEM_CALLS_H_
