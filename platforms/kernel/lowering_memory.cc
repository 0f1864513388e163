// Mappings, loads and stores, POSIX shared memory, as system calls.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>

#include "platforms/kernel/lowering_parts.h"

namespace ipcspec {

void Lower(const Mmap& c, const LoweringContext&, Request& r) {
  r.Op(SYS_mmap), r.Int(0, c.address.value), r.Int(1, c.length), r.Int(2, c.prot.bits);
  r.Int(3, c.flags.bits), r.Int(4, c.fd.value), r.Int(5, c.offset);
}
void Lower(const Munmap& c, const LoweringContext&, Request& r) {
  r.Op(SYS_munmap), r.Int(0, c.address.value + c.offset), r.Int(1, c.length);
}
void Lower(const Mprotect& c, const LoweringContext&, Request& r) {
  r.Op(SYS_mprotect), r.Int(0, c.address.value + c.offset), r.Int(1, c.length);
  r.Int(2, c.prot.bits);
}
void Lower(const Msync& c, const LoweringContext&, Request& r) {
  r.Op(SYS_msync), r.Int(0, c.address.value + c.offset), r.Int(1, c.length);
  r.Int(2, c.flags.bits);
}
void Lower(const Load& c, const LoweringContext&, Request& r) {
  r.Op(kLoad), r.Int(1, c.address.value + c.offset), r.Int(2, c.size);
  r.Area(0, static_cast<size_t>(std::clamp<int64_t>(c.size, 0, Mailbox::kBufferSize)));
}
void Lower(const Store& c, const LoweringContext&, Request& r) {
  r.Op(kStore), r.Text(0, c.data.text), r.Int(1, c.address.value + c.offset);
  r.Int(2, static_cast<int64_t>(c.data.text.size()));
}
void Lower(const ShmOpen& c, const LoweringContext&, Request& r) {
  r.Op(kShmOpen), r.Text(0, c.name), r.Int(1, c.flags.bits), r.Int(2, c.mode.bits);
}
void Lower(const ShmUnlink& c, const LoweringContext&, Request& r) {
  r.Op(kShmUnlink), r.Text(0, c.name);
}
void Lower(const Ftruncate& c, const LoweringContext&, Request& r) {
  r.Op(SYS_ftruncate), r.Int(0, c.fd.value), r.Int(1, c.length);
}
void Lower(const Fchmod& c, const LoweringContext&, Request& r) {
  r.Op(SYS_fchmod), r.Int(0, c.fd.value), r.Int(1, c.mode.bits);
}
void Lower(const Fchown& c, const LoweringContext&, Request& r) {
  r.Op(SYS_fchown), r.Int(0, c.fd.value), r.Int(1, c.uid), r.Int(2, c.gid);
}
void Lower(const FileSize& c, const LoweringContext&, Request& r) {
  r.Op(SYS_fstat), r.Int(0, c.fd.value), r.Area(1, sizeof(struct stat));
}

void Decode(const Load& c, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  if (out.ret == 0) out.data.assign(answer.buffer, static_cast<size_t>(c.size));
}
void Decode(const FileSize&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  out.ret = At<struct stat>(answer).st_size;
}

}  // namespace ipcspec
