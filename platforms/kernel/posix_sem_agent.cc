#include "platforms/kernel/posix_sem_agent.h"

#include <semaphore.h>
#include <sys/types.h>

#include <cerrno>
#include <ctime>

namespace ipcspec {
namespace {

sem_t* At(int64_t address) { return reinterpret_cast<sem_t*>(address); }
const timespec* Time(int64_t address) { return reinterpret_cast<const timespec*>(address); }
const char* Name(int64_t address) { return reinterpret_cast<const char*>(address); }
int64_t ErrnoResult(int result) { return result < 0 ? -errno : result; }

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
    case kPsemTimedWait:
      return ErrnoResult(sem_timedwait(At(a[0]), Time(a[1])));
    case kPsemClockWait:
      return ErrnoResult(sem_clockwait(At(a[0]), static_cast<clockid_t>(a[2]), Time(a[1])));
    case kPsemGetValue:
      return ErrnoResult(sem_getvalue(At(a[0]), reinterpret_cast<int*>(a[1])));
    default:
      return -ENOSYS;
  }
}

}  // namespace ipcspec
