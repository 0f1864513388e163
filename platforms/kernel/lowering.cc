#include "platforms/kernel/lowering.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <limits>
#include <numeric>

#include "impl/call/cat.h"

namespace ipcspec {

char* Request::Area(int i, size_t size) {
  const size_t offset = (used_ + 15) / 16 * 16;
  if (offset + size > Mailbox::kBufferSize) {
    overflowed_ = true;
    return box_.buffer.data();
  }
  used_ = offset + size;
  box_.args[i] = static_cast<int64_t>(offset);
  box_.pointers |= 1u << i;
  return box_.buffer.data() + offset;
}

void Request::Text(int i, std::string_view text) {
  char* area = Area(i, text.size() + 1);
  if (overflowed_) return;
  std::memcpy(area, text.data(), text.size());
  area[text.size()] = '\0';
}

namespace {

using Context = LoweringContext;

template <class T>
T At(const Mailbox& box, size_t offset = 0) {
  T value;
  std::memcpy(&value, box.buffer.data() + offset, sizeof value);
  return value;
}

void PutTimespec(char* area, int64_t ns) {
  const timespec time = {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
  std::memcpy(area, &time, sizeof time);
}

template <class C>
void Lower(const C&, const Context&, Request& r) {
  r.Op(kRefuse), r.Int(0, ENOSYS);
}

// ---- Tasks and signals

void Lower(const Fork&, const Context& context, Request& r) {
  r.Op(kClone), r.Int(0, 0), r.Int(1, context.child_slot);
}
void Lower(const Clone& c, const Context& context, Request& r) {
  r.Op(kClone), r.Int(0, c.flags.bits), r.Int(1, context.child_slot);
}
void Lower(const Exec&, const Context& context, Request& r) {
  r.Op(kExec), r.Int(0, context.own_slot), r.Text(1, context.memory_path);
}
void Lower(const Exit& c, const Context&, Request& r) { r.Op(SYS_exit_group), r.Int(0, c.status); }
void Lower(const Kill& c, const Context& context, Request& r) {
  const int64_t pid = context.pid_of(c.target.value);
  // A task that there never was: a process that there cannot be.
  r.Op(SYS_kill), r.Int(0, pid > 0 ? pid : 0x3fffffff), r.Int(1, c.signal.number);
}
void Lower(const Wait& c, const Context& context, Request& r) {
  const int64_t pid = context.pid_of(c.target.value);
  r.Op(SYS_wait4), r.Int(0, pid > 0 ? pid : 0x3fffffff), r.Area(1, sizeof(int));
  r.Int(2, c.options.bits);
}
void Lower(const Sigaction& c, const Context&, Request& r) {
  r.Op(kSigaction), r.Int(0, c.signal.number), r.Int(1, static_cast<int64_t>(c.disposition));
}
void Lower(const Sigprocmask& c, const Context&, Request& r) {
  // The kernel takes a set, in which there are no others; sigaddset(3) refuses them.
  if (c.signal.number < 1 || c.signal.number > 64) return r.Op(kRefuse), r.Int(0, EINVAL);
  r.Op(SYS_rt_sigprocmask);
  r.Int(0, c.how == MaskChange::kBlock ? SIG_BLOCK : SIG_UNBLOCK);
  const uint64_t mask = uint64_t{1} << (c.signal.number - 1);
  std::memcpy(r.Area(1, sizeof mask), &mask, sizeof mask);
  r.Int(3, sizeof mask);
}
void Lower(const Sigpending&, const Context&, Request& r) {
  r.Op(SYS_rt_sigpending), r.Area(0, sizeof(uint64_t)), r.Int(1, sizeof(uint64_t));
}
void Lower(const SetCredentials& c, const Context&, Request& r) {
  r.Op(kSetCredentials), r.Int(0, c.uid), r.Int(1, c.gid);
}
void Lower(const LimitDescriptors& c, const Context&, Request& r) {
  r.Op(kLimitDescriptors), r.Int(0, c.count);
}
void Lower(const Umask& c, const Context&, Request& r) { r.Op(SYS_umask), r.Int(0, c.mask.bits); }
void Lower(const Await&, const Context&, Request& r) { r.Op(kPing); }

// ---- Files

void Path(Request& r, int i, const std::string& path, Memory memory = Memory::kGood) {
  memory == Memory::kGood ? r.Text(i, path) : r.BadPointer(i);
}
void Lower(const Open& c, const Context&, Request& r) {
  r.Op(SYS_openat), r.Int(0, c.dirfd.value), Path(r, 1, c.path, c.memory);
  r.Int(2, c.flags.bits), r.Int(3, c.mode.bits);
}
void Lower(const Close& c, const Context&, Request& r) { r.Op(SYS_close), r.Int(0, c.fd.value); }
void Lower(const Dup& c, const Context&, Request& r) { r.Op(SYS_dup), r.Int(0, c.fd.value); }
void Lower(const Dup2& c, const Context&, Request& r) {
  r.Op(SYS_dup2), r.Int(0, c.fd.value), r.Int(1, c.to.value);
}
void Fcntl(Request& r, const Fd& fd, int command, int64_t arg = 0) {
  r.Op(SYS_fcntl), r.Int(0, fd.value), r.Int(1, command), r.Int(2, arg);
}
void Lower(const GetFdFlags& c, const Context&, Request& r) { Fcntl(r, c.fd, F_GETFD); }
void Lower(const SetFdFlags& c, const Context&, Request& r) {
  Fcntl(r, c.fd, F_SETFD, c.flags.bits);
}
void Lower(const GetStatusFlags& c, const Context&, Request& r) { Fcntl(r, c.fd, F_GETFL); }
void Lower(const SetStatusFlags& c, const Context&, Request& r) {
  Fcntl(r, c.fd, F_SETFL, c.flags.bits);
}
void Lower(const Lseek& c, const Context&, Request& r) {
  r.Op(SYS_lseek), r.Int(0, c.fd.value), r.Int(1, c.offset), r.Int(2, SEEK_SET);
}
void Lower(const Fstat& c, const Context&, Request& r) {
  r.Op(SYS_fstat), r.Int(0, c.fd.value), r.Area(1, sizeof(struct stat));
}
void Lower(const Stat& c, const Context&, Request& r) {
  r.Op(SYS_newfstatat), r.Int(0, AT_FDCWD), r.Area(2, sizeof(struct stat)), r.Text(1, c.path);
}
void Lower(const Poll& c, const Context&, Request& r) {
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
void Lower(const Mkfifo& c, const Context&, Request& r) {
  // As mkfifoat(3) does.
  r.Op(SYS_mknodat), r.Int(0, c.dirfd.value), r.Text(1, c.path), r.Int(2, c.mode.bits | S_IFIFO);
}
void Lower(const Mknod& c, const Context&, Request& r) {
  r.Op(SYS_mknodat), r.Int(0, c.dirfd.value), Path(r, 1, c.path, c.memory);
  r.Int(2, c.mode.bits);
}
void Lower(const Mkdir& c, const Context&, Request& r) {
  r.Op(SYS_mkdirat), r.Int(0, AT_FDCWD), r.Text(1, c.path), r.Int(2, c.mode.bits);
}
void Lower(const Symlink& c, const Context&, Request& r) {
  r.Op(SYS_symlinkat), r.Text(0, c.target), r.Int(1, AT_FDCWD), r.Text(2, c.path);
}
void Lower(const Unlink& c, const Context&, Request& r) {
  r.Op(SYS_unlinkat), r.Int(0, AT_FDCWD), r.Text(1, c.path);
}
void Lower(const Rename& c, const Context&, Request& r) {
  r.Op(SYS_renameat), r.Int(0, AT_FDCWD), r.Text(1, c.from), r.Int(2, AT_FDCWD), r.Text(3, c.to);
}
void Lower(const Chmod& c, const Context&, Request& r) {
  r.Op(SYS_fchmodat), r.Int(0, AT_FDCWD), r.Text(1, c.path), r.Int(2, c.mode.bits);
}
void Lower(const Chown& c, const Context&, Request& r) {
  r.Op(SYS_fchownat), r.Int(0, AT_FDCWD), r.Text(1, c.path), r.Int(2, c.uid), r.Int(3, c.gid);
}
void Lower(const MountTmpfs& c, const Context&, Request& r) {
  std::string options = "mode=0777";
  if (c.inodes > 0) Append(&options, ",nr_inodes=", c.inodes);
  r.Op(SYS_mount), r.Text(0, "tmpfs"), r.Text(1, c.path), r.Text(2, "tmpfs"), r.Text(4, options);
}
void Lower(const RemountReadOnly& c, const Context&, Request& r) {
  r.Op(SYS_mount), r.Text(0, "tmpfs"), r.Text(1, c.path), r.Text(2, "tmpfs");
  r.Int(3, MS_REMOUNT | MS_RDONLY);
}

// ---- Pipes

void Lower(const MakePipe& c, const Context&, Request& r) {
  r.Op(SYS_pipe2), r.Int(1, c.flags.bits);
  c.result == Memory::kGood ? (void)r.Area(0, 2 * sizeof(int)) : r.BadPointer(0);
}
void Lower(const Read& c, const Context&, Request& r) {
  r.Op(SYS_read), r.Int(0, c.fd.value), r.Int(2, c.count);
  c.memory == Memory::kGood ? (void)r.Area(1, static_cast<size_t>(c.count)) : r.BadPointer(1);
}
void Lower(const Write& c, const Context&, Request& r) {
  r.Op(SYS_write), r.Int(0, c.fd.value), r.Int(2, static_cast<int64_t>(c.data.text.size()));
  c.memory == Memory::kGood ? r.Text(1, c.data.text) : r.BadPointer(1);
}
// The buffers lie end to end from offset 0, the array of them after.
template <class Sizes>
void Vector(Request& r, const Fd& fd, int64_t op, char* data, const Sizes& sizes) {
  r.Op(op), r.Int(0, fd.value), r.Int(2, static_cast<int64_t>(sizes.size()));
  char* area = r.Area(1, sizes.size() * sizeof(iovec));
  if (r.overflowed()) return;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const iovec part = {.iov_base = data, .iov_len = static_cast<size_t>(sizes[i])};
    std::memcpy(area + i * sizeof part, &part, sizeof part);
    data += sizes[i];
  }
}
void Lower(const Readv& c, const Context&, Request& r) {
  const int64_t total = std::accumulate(c.counts.begin(), c.counts.end(), int64_t{0});
  char* data = r.Area(1, static_cast<size_t>(total));
  Vector(r, c.fd, SYS_readv, data, c.counts);
}
void Lower(const Writev& c, const Context&, Request& r) {
  std::string all;
  std::vector<int64_t> sizes;
  for (const Bytes& part : c.data) {
    all += part.text;
    sizes.push_back(static_cast<int64_t>(part.text.size()));
  }
  char* data = r.Area(1, all.size());
  if (r.overflowed()) return;
  std::memcpy(data, all.data(), all.size());
  Vector(r, c.fd, SYS_writev, data, sizes);
}
void Lower(const GetPipeSize& c, const Context&, Request& r) { Fcntl(r, c.fd, F_GETPIPE_SZ); }
void Lower(const SetPipeSize& c, const Context&, Request& r) {
  Fcntl(r, c.fd, F_SETPIPE_SZ, c.size);
}
void Lower(const Fionread& c, const Context&, Request& r) {
  r.Op(SYS_ioctl), r.Int(0, c.fd.value), r.Int(1, FIONREAD), r.Area(2, sizeof(int));
}

// ---- System V semaphores

void Lower(const Ftok& c, const Context&, Request& r) {
  r.Op(kFtok), r.Text(0, c.path), r.Int(1, c.id);
}
void Lower(const Semget& c, const Context&, Request& r) {
  r.Op(SYS_semget), r.Int(0, c.key.value), r.Int(1, c.nsems), r.Int(2, c.flags.bits);
}
void Lower(const Semop& c, const Context&, Request& r) {
  r.Int(0, c.id.value), r.Int(2, static_cast<int64_t>(c.ops.size()));
  if (c.memory == Memory::kBad) {
    r.BadPointer(1);
  } else {
    char* area = r.Area(1, c.ops.size() * sizeof(sembuf));
    for (size_t i = 0; i < c.ops.size() && !r.overflowed(); ++i) {
      const sembuf op = {.sem_num = static_cast<unsigned short>(c.ops[i].num),
                         .sem_op = static_cast<short>(c.ops[i].op),
                         .sem_flg = static_cast<short>(c.ops[i].flags.bits)};
      std::memcpy(area + i * sizeof op, &op, sizeof op);
    }
  }
  if (c.timeout.ns == Nanos::kForever) {
    r.Op(SYS_semop);
  } else {
    r.Op(SYS_semtimedop), PutTimespec(r.Area(3, sizeof(timespec)), c.timeout.ns);
  }
}
void Semctl(Request& r, const SemId& id, int64_t num, int command) {
  r.Op(SYS_semctl), r.Int(0, id.value), r.Int(1, num), r.Int(2, command);
}
void Lower(const SemGetVal& c, const Context&, Request& r) { Semctl(r, c.id, c.num, GETVAL); }
void Lower(const SemSetVal& c, const Context&, Request& r) {
  Semctl(r, c.id, c.num, SETVAL), r.Int(3, c.value);
}
// The area holds the largest set that there can be (semget(2): SEMMSL).
constexpr size_t kMaxSemaphores = 32768;
void Lower(const SemGetAll& c, const Context&, Request& r) {
  Semctl(r, c.id, 0, GETALL);
  if (c.memory == Memory::kBad) return r.BadPointer(3);
  // Filled with a value that no semaphore has, so that Decode sees how many came.
  std::memset(r.Area(3, kMaxSemaphores * 2), 0xff, kMaxSemaphores * 2);
}
void Lower(const SemSetAll& c, const Context&, Request& r) {
  Semctl(r, c.id, 0, SETALL);
  if (c.memory == Memory::kBad) return r.BadPointer(3);
  char* area = r.Area(3, kMaxSemaphores * 2);
  std::memset(area, 0, kMaxSemaphores * 2);
  for (size_t i = 0; i < std::min(c.all.size(), kMaxSemaphores); ++i) {
    const uint16_t value = static_cast<uint16_t>(c.all[i]);
    std::memcpy(area + 2 * i, &value, 2);
  }
}
void Lower(const SemGetPid& c, const Context&, Request& r) { Semctl(r, c.id, c.num, GETPID); }
void Lower(const SemGetNcnt& c, const Context&, Request& r) { Semctl(r, c.id, c.num, GETNCNT); }
void Lower(const SemGetZcnt& c, const Context&, Request& r) { Semctl(r, c.id, c.num, GETZCNT); }
void Lower(const SemStat& c, const Context&, Request& r) {
  Semctl(r, c.id, 0, IPC_STAT);
  c.memory == Memory::kGood ? (void)r.Area(3, sizeof(semid_ds)) : r.BadPointer(3);
}
void Lower(const SemSet& c, const Context&, Request& r) {
  Semctl(r, c.id, 0, IPC_SET);
  if (c.memory == Memory::kBad) return r.BadPointer(3);
  semid_ds set = {};
  set.sem_perm.uid = static_cast<uid_t>(c.uid);
  set.sem_perm.gid = static_cast<gid_t>(c.gid);
  set.sem_perm.mode = static_cast<unsigned short>(c.mode.bits);
  std::memcpy(r.Area(3, sizeof set), &set, sizeof set);
}
void Lower(const SemRemove& c, const Context&, Request& r) { Semctl(r, c.id, 0, IPC_RMID); }
void Lower(const SemLimits&, const Context&, Request& r) {
  Semctl(r, 0, 0, IPC_INFO), r.Area(3, sizeof(seminfo));
}
void Lower(const SemUsage&, const Context&, Request& r) {
  Semctl(r, 0, 0, SEM_INFO), r.Area(3, sizeof(seminfo));
}
void Lower(const SemStatIndex& c, const Context&, Request& r) {
  constexpr int kSemStatAny = 20;  // SEM_STAT_ANY, since Linux 4.17
  Semctl(r, c.index, 0, c.any ? kSemStatAny : SEM_STAT), r.Area(3, sizeof(semid_ds));
}
void Lower(const SemBadCommand& c, const Context&, Request& r) { Semctl(r, c.id, 0, 9999); }
void Lower(const SetSemLimits& c, const Context&, Request& r) {
  const std::string text = Cat(c.semmsl, " ", c.semmns, " ", c.semopm, " ", c.semmni, "\n");
  r.Op(kWriteFile), r.Text(0, "/proc/sys/kernel/sem"), r.Text(1, text);
  r.Int(2, static_cast<int64_t>(text.size()));
}

// ---- What comes out. REQUIRES: the call succeeded, out.ret is its result.

template <class C>
void Decode(const C&, const Context&, const Mailbox&, Outcome&) {}

void TaskOf(const Context& context, Outcome& out) { out.ret = context.task_of(out.ret); }
void Decode(const Fork&, const Context& context, const Mailbox&, Outcome& out) {
  TaskOf(context, out);
}
void Decode(const Clone&, const Context& context, const Mailbox&, Outcome& out) {
  TaskOf(context, out);
}
void Decode(const SemGetPid&, const Context& context, const Mailbox&, Outcome& out) {
  TaskOf(context, out);
}
void Decode(const Wait&, const Context& context, const Mailbox& box, Outcome& out) {
  if (out.ret == 0) return;  // WNOHANG, and nothing yet
  TaskOf(context, out);
  out.values = {At<int>(box)};
}
void Decode(const Sigpending&, const Context&, const Mailbox& box, Outcome& out) {
  const uint64_t pending = At<uint64_t>(box);
  out.ret = 0;
  for (int signal = 1; signal <= 64; ++signal) {
    if ((pending >> (signal - 1) & 1) != 0) out.values.push_back(signal);
  }
}
void Decode(const GetStatusFlags&, const Context&, const Mailbox&, Outcome& out) {
  out.ret &= ~int64_t{0100000};  // O_LARGEFILE, which the kernel sets on 64-bit systems
}
void DecodeStat(const Mailbox& box, Outcome& out) {
  const auto stat = At<struct stat>(box);
  out.values = {stat.st_mode, stat.st_uid, stat.st_gid, static_cast<int64_t>(stat.st_nlink)};
}
void Decode(const Fstat&, const Context&, const Mailbox& box, Outcome& out) {
  DecodeStat(box, out);
}
void Decode(const Stat&, const Context&, const Mailbox& box, Outcome& out) { DecodeStat(box, out); }
void Decode(const Poll& c, const Context&, const Mailbox& box, Outcome& out) {
  for (size_t i = 0; i < c.fds.size(); ++i) {
    out.values.push_back(At<pollfd>(box, i * sizeof(pollfd)).revents);
  }
}
void Decode(const MakePipe&, const Context&, const Mailbox& box, Outcome& out) {
  out.values = {At<int>(box), At<int>(box, sizeof(int))};
}
void DecodeData(const Mailbox& box, Outcome& out) {
  const size_t size = std::min(static_cast<size_t>(out.ret), Mailbox::kBufferSize);
  out.data.assign(box.buffer.data(), size);
}
void Decode(const Read&, const Context&, const Mailbox& box, Outcome& out) { DecodeData(box, out); }
void Decode(const Readv&, const Context&, const Mailbox& box, Outcome& out) {
  DecodeData(box, out);
}
void Decode(const Fionread&, const Context&, const Mailbox& box, Outcome& out) {
  out.values = {At<int>(box)};
}
void Decode(const SemGetAll&, const Context&, const Mailbox& box, Outcome& out) {
  for (size_t i = 0; i < kMaxSemaphores; ++i) {
    const uint16_t value = At<uint16_t>(box, 2 * i);
    if (value == 0xffff) break;
    out.values.push_back(value);
  }
}
void DecodeSemid(const Mailbox& box, Outcome& out) {
  const auto set = At<semid_ds>(box);
  out.values = {set.sem_perm.__key,
                set.sem_perm.uid,
                set.sem_perm.gid,
                set.sem_perm.cuid,
                set.sem_perm.cgid,
                set.sem_perm.mode,
                static_cast<int64_t>(set.sem_nsems),
                set.sem_otime,
                set.sem_ctime};
}
void Decode(const SemStat&, const Context&, const Mailbox& box, Outcome& out) {
  DecodeSemid(box, out);
}
void Decode(const SemStatIndex&, const Context&, const Mailbox& box, Outcome& out) {
  DecodeSemid(box, out);
}
void Decode(const SemLimits&, const Context&, const Mailbox& box, Outcome& out) {
  const auto info = At<seminfo>(box);
  out.values = {info.semmsl, info.semmns, info.semopm, info.semmni, info.semvmx};
}
void Decode(const SemUsage&, const Context&, const Mailbox& box, Outcome& out) {
  const auto info = At<seminfo>(box);
  out.values = {info.semusz, info.semaem};  // semctl(2): sets, semaphores
}

}  // namespace

absl::Status Lower(const Call& call, const LoweringContext& context, Mailbox& box) {
  Request request(box);
  std::visit([&](const auto& c) { Lower(c, context, request); }, call);
  if (request.overflowed()) {
    return absl::ResourceExhaustedError(Cat("a ", NameOf(call),
                                            " of this size does not fit into an agent's buffer of ",
                                            Mailbox::kBufferSize, " bytes"));
  }
  return absl::OkStatus();
}

Outcome Decode(const Call& call, const LoweringContext& context, const Mailbox& box) {
  if (box.result < 0 && box.result >= -4095) {
    // semctl(GETPID) and the like give small numbers; nothing here returns a negative success.
    return Fails(static_cast<int>(-box.result));
  }
  Outcome out = Returns(box.result);
  std::visit([&](const auto& c) { Decode(c, context, box, out); }, call);
  return out;
}

}  // namespace ipcspec
