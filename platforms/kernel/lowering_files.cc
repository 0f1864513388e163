// Descriptors and names, as system calls.
#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstdio>
#include <cstring>

#include "impl/call/cat.h"
#include "platforms/kernel/lowering_parts.h"

namespace ipcspec {

static void Path(Request& r, int i, const std::string& path, Memory memory = Memory::kGood) {
  memory == Memory::kGood ? r.Text(i, path) : r.BadPointer(i);
}
void Lower(const Open& c, const LoweringContext&, Request& r) {
  r.Op(SYS_openat), r.Int(0, c.dirfd.value), Path(r, 1, c.path, c.memory);
  r.Int(2, c.flags.bits), r.Int(3, c.mode.bits);
}
void Lower(const Close& c, const LoweringContext&, Request& r) {
  r.Op(SYS_close), r.Int(0, c.fd.value);
}
void Lower(const Dup& c, const LoweringContext&, Request& r) {
  r.Op(SYS_dup), r.Int(0, c.fd.value);
}
void Lower(const Dup2& c, const LoweringContext&, Request& r) {
  r.Op(SYS_dup2), r.Int(0, c.fd.value), r.Int(1, c.to.value);
}
void Lower(const GetFdFlags& c, const LoweringContext&, Request& r) { Fcntl(r, c.fd, F_GETFD); }
void Lower(const SetFdFlags& c, const LoweringContext&, Request& r) {
  Fcntl(r, c.fd, F_SETFD, c.flags.bits);
}
void Lower(const GetStatusFlags& c, const LoweringContext&, Request& r) { Fcntl(r, c.fd, F_GETFL); }
void Lower(const SetStatusFlags& c, const LoweringContext&, Request& r) {
  Fcntl(r, c.fd, F_SETFL, c.flags.bits);
}
void Lower(const Lseek& c, const LoweringContext&, Request& r) {
  r.Op(SYS_lseek), r.Int(0, c.fd.value), r.Int(1, c.offset), r.Int(2, SEEK_SET);
}
void Lower(const Fstat& c, const LoweringContext&, Request& r) {
  r.Op(SYS_fstat), r.Int(0, c.fd.value), r.Area(1, sizeof(struct stat));
}
void Lower(const Stat& c, const LoweringContext&, Request& r) {
  r.Op(SYS_newfstatat), r.Int(0, AT_FDCWD), r.Area(2, sizeof(struct stat)), r.Text(1, c.path);
}
void Lower(const Poll& c, const LoweringContext&, Request& r) {
  char* area = r.Area(0, c.fds.size() * sizeof(pollfd));
  for (size_t i = 0; i < c.fds.size(); ++i) {
    const pollfd fd = {.fd = static_cast<int>(c.fds[i].fd.value),
                       .events = static_cast<short>(c.fds[i].events.bits),
                       .revents = 0};
    std::memcpy(area + i * sizeof fd, &fd, sizeof fd);
  }
  r.Op(SYS_ppoll), r.Int(1, static_cast<int64_t>(c.fds.size()));
  if (c.timeout.ns != Nanos::kForever) PutTimespec(r.Area(2, sizeof(timespec)), c.timeout.ns);
}
void Lower(const Mkfifo& c, const LoweringContext&, Request& r) {
  // As mkfifoat(3) does.
  r.Op(SYS_mknodat), r.Int(0, c.dirfd.value), r.Text(1, c.path), r.Int(2, c.mode.bits | S_IFIFO);
}
void Lower(const Mknod& c, const LoweringContext&, Request& r) {
  r.Op(SYS_mknodat), r.Int(0, c.dirfd.value), Path(r, 1, c.path, c.memory);
  r.Int(2, c.mode.bits);
}
void Lower(const Mkdir& c, const LoweringContext&, Request& r) {
  r.Op(SYS_mkdirat), r.Int(0, AT_FDCWD), r.Text(1, c.path), r.Int(2, c.mode.bits);
}
void Lower(const Symlink& c, const LoweringContext&, Request& r) {
  r.Op(SYS_symlinkat), r.Text(0, c.target), r.Int(1, AT_FDCWD), r.Text(2, c.path);
}
void Lower(const Unlink& c, const LoweringContext&, Request& r) {
  r.Op(SYS_unlinkat), r.Int(0, AT_FDCWD), r.Text(1, c.path);
}
void Lower(const Rename& c, const LoweringContext&, Request& r) {
  r.Op(SYS_renameat), r.Int(0, AT_FDCWD), r.Text(1, c.from), r.Int(2, AT_FDCWD), r.Text(3, c.to);
}
void Lower(const Chmod& c, const LoweringContext&, Request& r) {
  r.Op(SYS_fchmodat), r.Int(0, AT_FDCWD), r.Text(1, c.path), r.Int(2, c.mode.bits);
}
void Lower(const Chown& c, const LoweringContext&, Request& r) {
  r.Op(SYS_fchownat), r.Int(0, AT_FDCWD), r.Text(1, c.path), r.Int(2, c.uid), r.Int(3, c.gid);
}
void Lower(const MountTmpfs& c, const LoweringContext&, Request& r) {
  std::string options = "mode=0777";
  if (c.inodes > 0) Append(&options, ",nr_inodes=", c.inodes);
  r.Op(SYS_mount), r.Text(0, "tmpfs"), r.Text(1, c.path), r.Text(2, "tmpfs"), r.Text(4, options);
}
void Lower(const RemountReadOnly& c, const LoweringContext&, Request& r) {
  r.Op(SYS_mount), r.Text(0, "tmpfs"), r.Text(1, c.path), r.Text(2, "tmpfs");
  r.Int(3, MS_REMOUNT | MS_RDONLY);
}

void Decode(const GetStatusFlags&, const LoweringContext&, const RawAnswer&, Outcome& out) {
  out.ret &= ~int64_t{0100000};  // O_LARGEFILE, which the kernel sets on 64-bit systems
}
static void DecodeStat(const RawAnswer& answer, Outcome& out) {
  const auto stat = At<struct stat>(answer);
  out.values = {stat.st_mode, stat.st_uid, stat.st_gid, static_cast<int64_t>(stat.st_nlink)};
}
void Decode(const Fstat&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  DecodeStat(answer, out);
}
void Decode(const Stat&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  DecodeStat(answer, out);
}
void Decode(const Poll& c, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  for (size_t i = 0; i < c.fds.size(); ++i) {
    out.values.push_back(At<pollfd>(answer, i * sizeof(pollfd)).revents);
  }
}

}  // namespace ipcspec
