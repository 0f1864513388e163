// Calls on descriptors, open file descriptions and names in the file system, as far as IPC needs
// them. Paths are relative: each program has a directory of its own.
#ifndef IPCSPEC_IMPL_CALL_FILE_CALLS_H_
#define IPCSPEC_IMPL_CALL_FILE_CALLS_H_

#include <string>
#include <string_view>
#include <vector>

#include "impl/call/fields.h"
#include "impl/call/types.h"

namespace ipcspec {

inline constexpr int64_t kCwd = -100;  // AT_FDCWD

// openat(2). `memory` kBad passes a path at an address that is not mapped.
struct Open {
  static constexpr std::string_view kName = "open";
  static constexpr ArgKind kGives = ArgKind::kFd;
  static constexpr bool kRestartable = true;
  std::string path;
  OpenFlags flags;
  Mode mode;
  Fd dirfd = kCwd;
  Memory memory = Memory::kGood;
  IPCSPEC_FIELDS(Open, path, flags, mode, dirfd, memory)
};

struct Close {
  static constexpr std::string_view kName = "close";
  Fd fd;
  IPCSPEC_FIELDS(Close, fd)
};

struct Dup {
  static constexpr std::string_view kName = "dup";
  static constexpr ArgKind kGives = ArgKind::kFd;
  Fd fd;
  IPCSPEC_FIELDS(Dup, fd)
};

struct Dup2 {
  static constexpr std::string_view kName = "dup2";
  static constexpr ArgKind kGives = ArgKind::kFd;
  Fd fd;
  Fd to;
  IPCSPEC_FIELDS(Dup2, fd, to)
};

// fcntl(2) F_GETFD and F_SETFD.
struct GetFdFlags {
  static constexpr std::string_view kName = "getfd";
  Fd fd;
  IPCSPEC_FIELDS(GetFdFlags, fd)
};

struct SetFdFlags {
  static constexpr std::string_view kName = "setfd";
  Fd fd;
  FdFlags flags;
  IPCSPEC_FIELDS(SetFdFlags, fd, flags)
};

// fcntl(2) F_GETFL and F_SETFL. Returns access mode and status flags (O_LARGEFILE left out).
struct GetStatusFlags {
  static constexpr std::string_view kName = "getfl";
  Fd fd;
  IPCSPEC_FIELDS(GetStatusFlags, fd)
};

struct SetStatusFlags {
  static constexpr std::string_view kName = "setfl";
  Fd fd;
  OpenFlags flags;
  IPCSPEC_FIELDS(SetStatusFlags, fd, flags)
};

struct Lseek {
  static constexpr std::string_view kName = "lseek";
  Fd fd;
  int64_t offset = 0;
  IPCSPEC_FIELDS(Lseek, fd, offset)
};

// fstat(2) and stat(2). values: st_mode, st_uid, st_gid, st_nlink.
struct Fstat {
  static constexpr std::string_view kName = "fstat";
  Fd fd;
  IPCSPEC_FIELDS(Fstat, fd)
};

struct Stat {
  static constexpr std::string_view kName = "stat";
  std::string path;
  IPCSPEC_FIELDS(Stat, path)
};

// poll(2). Returns the number of elements with events; values: revents of each.
struct Poll {
  static constexpr std::string_view kName = "poll";
  std::vector<PollFd> fds;
  Nanos timeout;
  IPCSPEC_FIELDS(Poll, fds, timeout)
};

// mkfifoat(3), which makes its node with mknodat(2).
struct Mkfifo {
  static constexpr std::string_view kName = "mkfifo";
  std::string path;
  Mode mode = 0666;
  Fd dirfd = kCwd;
  IPCSPEC_FIELDS(Mkfifo, path, mode, dirfd)
};

// mknodat(2); `mode` carries the type (S_IFIFO or S_IFREG).
struct Mknod {
  static constexpr std::string_view kName = "mknod";
  std::string path;
  Mode mode;
  Fd dirfd = kCwd;
  Memory memory = Memory::kGood;
  IPCSPEC_FIELDS(Mknod, path, mode, dirfd, memory)
};

struct Mkdir {
  static constexpr std::string_view kName = "mkdir";
  std::string path;
  Mode mode = 0777;
  IPCSPEC_FIELDS(Mkdir, path, mode)
};

struct Symlink {
  static constexpr std::string_view kName = "symlink";
  std::string target;
  std::string path;
  IPCSPEC_FIELDS(Symlink, target, path)
};

struct Unlink {
  static constexpr std::string_view kName = "unlink";
  std::string path;
  IPCSPEC_FIELDS(Unlink, path)
};

struct Rename {
  static constexpr std::string_view kName = "rename";
  std::string from;
  std::string to;
  IPCSPEC_FIELDS(Rename, from, to)
};

struct Chmod {
  static constexpr std::string_view kName = "chmod";
  std::string path;
  Mode mode;
  IPCSPEC_FIELDS(Chmod, path, mode)
};

struct Chown {
  static constexpr std::string_view kName = "chown";
  std::string path;
  int64_t uid = 0;
  int64_t gid = 0;
  IPCSPEC_FIELDS(Chown, path, uid, gid)
};

// mount(2) of a fresh tmpfs on an existing directory, in the run's own mount namespace.
// `inodes` limits how many names it can hold (0: no limit).
struct MountTmpfs {
  static constexpr std::string_view kName = "mount_tmpfs";
  std::string path;
  int64_t inodes = 0;
  IPCSPEC_FIELDS(MountTmpfs, path, inodes)
};

// mount(2) MS_REMOUNT|MS_RDONLY of such a tmpfs.
struct RemountReadOnly {
  static constexpr std::string_view kName = "remount_readonly";
  std::string path;
  IPCSPEC_FIELDS(RemountReadOnly, path)
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_FILE_CALLS_H_
