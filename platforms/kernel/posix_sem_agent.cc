#include "platforms/kernel/posix_sem_agent.h"

#include <semaphore.h>
#include <sys/types.h>

#include <cerrno>
#include <ctime>

#include "impl/call/types.h"

namespace ipcspec {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

sem_t* At(int64_t address) { return reinterpret_cast<sem_t*>(address); }
const char* Name(int64_t address) { return reinterpret_cast<const char*>(address); }
int64_t ErrnoResult(int result) { return result < 0 ? -errno : result; }

int64_t WaitFor(sem_t* sem, Clock clock, int64_t from_now, bool malformed) {
  constexpr clockid_t kNoClock = 9999;
  const clockid_t id = clock == Clock::kMonotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME;
  timespec deadline = {};
  clock_gettime(id, &deadline);
  const int64_t ns = deadline.tv_nsec + from_now % kSecond;  // of [-kSecond, 2 * kSecond)
  deadline.tv_sec += from_now / kSecond + (ns < 0 ? -1 : ns / kSecond);
  deadline.tv_nsec = malformed ? kSecond : (ns + kSecond) % kSecond;
  if (clock == Clock::kDefault) return ErrnoResult(sem_timedwait(sem, &deadline));
  return ErrnoResult(sem_clockwait(sem, clock == Clock::kBad ? kNoClock : id, &deadline));
}

}  // namespace

int64_t PerformPosixSem(int64_t op, const std::array<int64_t, 6>& a) {
  switch (op) {
    case kPsemInit:
      return ErrnoResult(sem_init(At(a[0]), static_cast<int>(a[1]), static_cast<unsigned>(a[2])));
    case kPsemDestroy:
      return ErrnoResult(sem_destroy(At(a[0])));
    case kPsemOpen: {
      const sem_t* sem = sem_open(Name(a[0]), static_cast<int>(a[1]), static_cast<mode_t>(a[2]),
                                  static_cast<unsigned>(a[3]));
      return sem == SEM_FAILED ? -errno : reinterpret_cast<int64_t>(sem);
    }
    case kPsemClose:
      return ErrnoResult(sem_close(At(a[0])));
    case kPsemUnlink:
      return ErrnoResult(sem_unlink(Name(a[0])));
    case kPsemPost:
      return ErrnoResult(sem_post(At(a[0])));
    case kPsemTryWait:
      return ErrnoResult(sem_trywait(At(a[0])));
    case kPsemWait:
      return ErrnoResult(sem_wait(At(a[0])));
    case kPsemWaitFor:
      return WaitFor(At(a[0]), static_cast<Clock>(a[1]), a[2], a[3] != 0);
    case kPsemGetValue:
      return ErrnoResult(sem_getvalue(At(a[0]), reinterpret_cast<int*>(a[1])));
    default:
      return -ENOSYS;
  }
}

}  // namespace ipcspec
