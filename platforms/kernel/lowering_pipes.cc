// Pipes, as system calls.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <cstring>
#include <numeric>

#include "platforms/kernel/lowering_parts.h"

namespace ipcspec {

void Lower(const MakePipe& c, const LoweringContext&, Request& r) {
  r.Op(SYS_pipe2), r.Int(1, c.flags.bits);
  c.result == Memory::kGood ? (void)r.Area(0, 2 * sizeof(int)) : r.BadPointer(0);
}
void Lower(const Read& c, const LoweringContext&, Request& r) {
  r.Op(SYS_read), r.Int(0, c.fd.value), r.Int(2, c.count);
  c.memory == Memory::kGood ? (void)r.Area(1, static_cast<size_t>(c.count)) : r.BadPointer(1);
}
void Lower(const Write& c, const LoweringContext&, Request& r) {
  r.Op(SYS_write), r.Int(0, c.fd.value), r.Int(2, static_cast<int64_t>(c.data.text.size()));
  c.memory == Memory::kGood ? r.Text(1, c.data.text) : r.BadPointer(1);
}
// The buffers lie end to end from offset 0, the array of them after.
template <class Sizes>
static void Vector(Request& r, const Fd& fd, int64_t op, char* data, const Sizes& sizes) {
  r.Op(op), r.Int(0, fd.value), r.Int(2, static_cast<int64_t>(sizes.size()));
  char* area = r.Area(1, sizes.size() * sizeof(iovec));
  if (r.overflowed()) return;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const iovec part = {.iov_base = data, .iov_len = static_cast<size_t>(sizes[i])};
    std::memcpy(area + i * sizeof part, &part, sizeof part);
    data += sizes[i];
  }
}
void Lower(const Readv& c, const LoweringContext&, Request& r) {
  const int64_t total = std::accumulate(c.counts.begin(), c.counts.end(), int64_t{0});
  char* data = r.Area(1, static_cast<size_t>(total));
  Vector(r, c.fd, SYS_readv, data, c.counts);
}
void Lower(const Writev& c, const LoweringContext&, Request& r) {
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
void Lower(const GetPipeSize& c, const LoweringContext&, Request& r) {
  Fcntl(r, c.fd, F_GETPIPE_SZ);
}
void Lower(const SetPipeSize& c, const LoweringContext&, Request& r) {
  Fcntl(r, c.fd, F_SETPIPE_SZ, c.size);
}
void Lower(const Fionread& c, const LoweringContext&, Request& r) {
  r.Op(SYS_ioctl), r.Int(0, c.fd.value), r.Int(1, FIONREAD), r.Area(2, sizeof(int));
}

void Decode(const MakePipe&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  out.values = {At<int>(answer), At<int>(answer, sizeof(int))};
}
void Decode(const Read&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  DecodeData(answer, out);
}
void Decode(const Readv&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  DecodeData(answer, out);
}
void Decode(const Fionread&, const LoweringContext&, const RawAnswer& answer, Outcome& out) {
  out.values = {At<int>(answer)};
}

}  // namespace ipcspec
