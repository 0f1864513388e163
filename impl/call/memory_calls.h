// Calls on memory: mmap(2), munmap(2), mprotect(2), msync(2), shm_open(3), and loads and stores.
//
// An address in a program is what an earlier step gave, or a number in the area from kFirstAddress
// on, which every task has free when it starts.
#ifndef IPCSPEC_IMPL_CALL_MEMORY_CALLS_H_
#define IPCSPEC_IMPL_CALL_MEMORY_CALLS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "impl/call/fields.h"
#include "impl/call/types.h"

namespace ipcspec {

// Addresses that a program may choose: from here on, 1 GiB.
inline constexpr int64_t kFirstAddress = 0x100000000000;
inline constexpr int64_t kLastAddress = kFirstAddress + (int64_t{1} << 30);

// The place so far behind an address: it wraps, as it does on the machine.
inline int64_t AddressAt(int64_t address, int64_t offset) {
  return static_cast<int64_t>(static_cast<uint64_t>(address) + static_cast<uint64_t>(offset));
}

// Returns the address; address 0 lets the kernel choose.
struct Mmap {
  static constexpr std::string_view kName = "mmap";
  static constexpr ArgKind kGives = ArgKind::kAddress;
  Address address = 0;
  int64_t length = 4096;
  ProtFlags prot;
  MapFlags flags;
  Fd fd = -1;
  int64_t offset = 0;
  IPCSPEC_FIELDS(Mmap, address, length, prot, flags, fd, offset)
};

// `offset` is added to the address, here and below.
struct Munmap {
  static constexpr std::string_view kName = "munmap";
  Address address;
  int64_t length = 4096;
  int64_t offset = 0;
  IPCSPEC_FIELDS(Munmap, address, length, offset)
};

struct Mprotect {
  static constexpr std::string_view kName = "mprotect";
  Address address;
  int64_t length = 4096;
  ProtFlags prot;
  int64_t offset = 0;
  IPCSPEC_FIELDS(Mprotect, address, length, prot, offset)
};

struct Msync {
  static constexpr std::string_view kName = "msync";
  Address address;
  int64_t length = 4096;
  MsyncFlags flags;
  int64_t offset = 0;
  IPCSPEC_FIELDS(Msync, address, length, flags, offset)
};

// Reads bytes of memory. Returns 0, with the bytes in data; or the number of the signal that the
// access raised (SIGSEGV, SIGBUS), which the agent catches: the task goes on.
struct Load {
  static constexpr std::string_view kName = "load";
  Address address;
  int64_t offset = 0;
  int64_t size = 1;
  IPCSPEC_FIELDS(Load, address, offset, size)
};

// Writes bytes of memory; returns as Load does.
struct Store {
  static constexpr std::string_view kName = "store";
  Address address;
  int64_t offset = 0;
  Bytes data;
  IPCSPEC_FIELDS(Store, address, offset, data)
};

// shm_open(3): an object of POSIX shared memory, with FD_CLOEXEC set. Returns the descriptor.
struct ShmOpen {
  static constexpr std::string_view kName = "shm_open";
  static constexpr ArgKind kGives = ArgKind::kFd;
  std::string name;
  OpenFlags flags;
  Mode mode = 0600;
  IPCSPEC_FIELDS(ShmOpen, name, flags, mode)
};

struct ShmUnlink {
  static constexpr std::string_view kName = "shm_unlink";
  std::string name;
  IPCSPEC_FIELDS(ShmUnlink, name)
};

struct Ftruncate {
  static constexpr std::string_view kName = "ftruncate";
  Fd fd;
  int64_t length = 0;
  IPCSPEC_FIELDS(Ftruncate, fd, length)
};

struct Fchmod {
  static constexpr std::string_view kName = "fchmod";
  Fd fd;
  Mode mode;
  IPCSPEC_FIELDS(Fchmod, fd, mode)
};

struct Fchown {
  static constexpr std::string_view kName = "fchown";
  Fd fd;
  int64_t uid = 0;
  int64_t gid = 0;
  IPCSPEC_FIELDS(Fchown, fd, uid, gid)
};

// fstat(2) of what has contents: returns st_size.
struct FileSize {
  static constexpr std::string_view kName = "file_size";
  Fd fd;
  IPCSPEC_FIELDS(FileSize, fd)
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_MEMORY_CALLS_H_
