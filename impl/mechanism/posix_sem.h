// PosixSem: one POSIX semaphore: sem_overview(7).
//
// A counter that never goes below 0: sem_wait takes 1, and sleeps while there is none; sem_post
// gives 1, and lets one sleeper go on. Nobody promises which.
//
// A semaphore is where some memory says it is: MemoryObject::semaphores. Which that is, of an
// address, and who may use it, is impl/reference/step_semaphores.cc. Names are files' names; see
// OpenSemaphores for what a process that opened them has.
#ifndef IPCSPEC_IMPL_MECHANISM_POSIX_SEM_H_
#define IPCSPEC_IMPL_MECHANISM_POSIX_SEM_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "impl/mechanism/step.h"

namespace ipcspec {

struct PosixSem {
  static constexpr int64_t kMaxValue = 0x7fffffff;  // SEM_VALUE_MAX
  static constexpr int64_t kSize = 32;              // sizeof(sem_t)

  int64_t value = 0;
  bool shared = true;  // between processes; else only tasks of the address space `home` may use it
  int home = -1;

  // Gives 1. Errors: EOVERFLOW at the largest value (sem_post(3)).
  Result Post();
  // Takes 1. Errors: EAGAIN at 0 (sem_wait(3)).
  Result TryWait();
  // Takes 1, and sleeps until it can. Errors: EINTR, ETIMEDOUT; EINVAL for a deadline or a clock
  // that is none (sem_wait(3)). `contended`: another task waits here, too.
  Result Wait(const PsemWait& call, bool contended, const Caller& caller, Choice& choice);
  // values: the value; 0 while there are waiters, on Linux (sem_getvalue(3)).
  Result GetValue() const;

  bool operator==(const PosixSem&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const PosixSem& s) {
    return H::combine(std::move(h), s.value, s.shared, s.home);
  }
};

// Whether the call has a deadline: else it is sem_wait(3).
inline bool HasDeadline(const PsemWait& call) {
  return call.timeout.ns != Nanos::kForever || call.bad_time;
}

// The named semaphores that an address space has open: by name, where, and how often.
class OpenSemaphores {
 public:
  struct Open {
    std::string name;
    int object = -1;  // the file's memory
    int64_t times = 1;
    bool operator==(const Open&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Open& o) {
      return H::combine(std::move(h), o.name, o.object, o.times);
    }
  };

  // The address that an earlier sem_open of this file by this name gave; -1 when there is none.
  int64_t Find(std::string_view name, int object) const;
  void Add(int64_t address, std::string_view name, int object);
  // Once more. REQUIRES: it is open there.
  void OpenAgain(int64_t address) { ++open_.find(address)->second.times; }
  // Once less; true when that was the last time. REQUIRES: it is open there.
  bool Close(int64_t address);
  // Null when sem_open gave no such address, or it was closed as often.
  const Open* At(int64_t address) const;

  bool operator==(const OpenSemaphores&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const OpenSemaphores& o) {
    return H::combine(std::move(h), o.open_);
  }

 private:
  std::map<int64_t, Open> open_;  // by address
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_MECHANISM_POSIX_SEM_H_
