#include "cli/turns.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace ipcspec {
namespace {

// A lock of a process on a file ends with the process (fcntl(2)). Where there is none, output of
// jobs may be mixed, and no more.
void Lock(int fd, short type) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  while (fcntl(fd, F_SETLKW, &lock) < 0 && errno == EINTR) {
  }
}

}  // namespace

TurnTaking::TurnTaking() : fd_(memfd_create("ipcspec turns", MFD_CLOEXEC)) {}
TurnTaking::~TurnTaking() { close(fd_); }

TurnTaking::Turn::Turn(const TurnTaking& turns) : fd_(turns.fd_) { Lock(fd_, F_WRLCK); }
TurnTaking::Turn::~Turn() {
  std::fflush(stdout);
  Lock(fd_, F_UNLCK);
}

}  // namespace ipcspec
