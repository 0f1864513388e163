#include "platforms/kernel/lowering.h"

#include <sys/syscall.h>

#include <algorithm>
#include <ctime>

#include "impl/call/cat.h"
#include "platforms/kernel/lowering_parts.h"

namespace ipcspec {
namespace {

// Nothing more comes out of the call than a number.
template <class C>
void Decode(const C&, const LoweringContext&, const RawAnswer&, Outcome&) {}

}  // namespace

char* Request::Area(int i, size_t size) {
  const size_t offset = (used_ + 15) / 16 * 16;
  if (offset + size > room_) {
    overflowed_ = true;
    return buffer_;
  }
  used_ = offset + size;
  request_.args[i] = static_cast<int64_t>(offset);
  request_.pointers |= 1u << i;
  return buffer_ + offset;
}

void Request::Text(int i, std::string_view text) {
  char* area = Area(i, text.size() + 1);
  if (overflowed_) return;
  std::memcpy(area, text.data(), text.size());
  area[text.size()] = '\0';
}

void Request::Deadline(int i, Nanos timeout, int clock, bool bad) {
  char* area = Area(i, sizeof(timespec));
  if (overflowed_) return;
  if (bad) {
    Put(area, timespec{.tv_sec = 1, .tv_nsec = 1'000'000'000});
    return;
  }
  PutTimespec(area, timeout.ns);
  request_.deadline = static_cast<int32_t>(area - buffer_);
  request_.deadline_clock = clock;
}

void PutTimespec(char* area, int64_t ns) {
  Put(area, timespec{.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000});
}

void Fcntl(Request& r, const Fd& fd, int command, int64_t arg) {
  r.Op(SYS_fcntl), r.Int(0, fd.value), r.Int(1, command), r.Int(2, arg);
}

void DecodeData(const RawAnswer& answer, Outcome& out) {
  const size_t size = std::min(static_cast<size_t>(out.ret), Mailbox::kBufferSize);
  out.data.assign(answer.buffer, size);
}

absl::Status Lower(const Call& call, const LoweringContext& context, Request& request) {
  std::visit([&](const auto& c) { Lower(c, context, request); }, call);
  if (request.overflowed()) {
    return absl::ResourceExhaustedError(
        Cat("a ", NameOf(call), " of this size does not fit into an agent's buffer"));
  }
  return absl::OkStatus();
}

Outcome Decode(const Call& call, const LoweringContext& context, const RawAnswer& answer) {
  if (answer.result < 0 && answer.result >= -4095) {
    // semctl(GETPID) and the like give small numbers; nothing here returns a negative success.
    return Fails(static_cast<int>(-answer.result));
  }
  Outcome out = Returns(answer.result);
  std::visit([&](const auto& c) { Decode(c, context, answer, out); }, call);
  return out;
}

}  // namespace ipcspec
