// Properties of pipes: random programs of several tasks on a few pipes.
#include <fcntl.h>
#include <poll.h>

#include <bit>
#include <csignal>
#include <string>
#include <vector>

#include "conformance/clause.h"
#include "conformance/makers.h"
#include "conformance/property.h"
#include "impl/call/bytes.h"

namespace ipcspec {
namespace {

// Around the sizes at which something changes: PIPE_BUF, a page, the capacity.
int64_t AnySize(Dice& dice) {
  switch (dice.Below(6)) {
    case 0:
    case 1:
      return dice.Of({0, 1, 2, 10, 100});
    case 2:
      return dice.Of({2048, 3000, 4095});
    case 3:
      return dice.Of({4096, 4097});
    case 4:
      return dice.Of({5000, 8192, 12288, 16384});
    default:
      return dice.Of({65535, 65536, 65537, 70000});
  }
}

// Data that tells where it is from: a letter for the write, and the place in it.
Bytes AnyData(Dice& dice, int64_t size) {
  return Bytes(Pattern(static_cast<char>('A' + dice.Below(26)), 0, size));
}

// Whether a task is in a write of more than PIPE_BUF bytes to the pipe. Two such writes at once
// may mix at any byte, and then no one order of bytes is left to judge by: one at a time.
bool HasLargeWriter(const World& world, int pipe) {
  for (const auto& [number, task] : *world.tasks) {
    if (!task->alive() || !task->in_call()) continue;
    const Call& call = *task->current.call;
    Fd fd;
    if (const auto* write = std::get_if<Write>(&call)) fd = write->fd;
    if (const auto* writev = std::get_if<Writev>(&call)) fd = writev->fd;
    const Description* description = world.FindDescription(number, fd.value);
    if (description != nullptr && description->pipe == pipe) return true;
  }
  return false;
}

bool IsReadEnd(const Description& d) { return d.pipe >= 0 && d.reads(); }
bool IsWriteEnd(const Description& d) { return d.pipe >= 0 && d.writes(); }
bool IsPipe(const Description& d) { return d.pipe >= 0; }

std::optional<Call> AnyWrite(Scene& scene) {
  Dice& dice = scene.dice;
  int64_t size = AnySize(dice);
  const Fd fd = scene.DescriptorWhere([&](const Description& d) {
    return IsWriteEnd(d) && (size <= 4096 || !HasLargeWriter(scene.world, d.pipe));
  });
  if (dice.Percent(20)) {
    const int64_t half = size / 2;
    return Writev{.fd = fd, .data = {AnyData(dice, half), AnyData(dice, size - half)}};
  }
  return Write{.fd = fd, .data = AnyData(dice, size)};
}

std::optional<Call> AnyRead(Scene& scene) {
  Dice& dice = scene.dice;
  const Fd fd = scene.DescriptorWhere(IsReadEnd);
  const int64_t size = AnySize(dice);
  if (dice.Percent(10)) return Readv{.fd = fd, .counts = {size / 2, size}};
  return Read{.fd = fd, .count = size, .memory = dice.Percent(2) ? Memory::kBad : Memory::kGood};
}

// Handlers, and signals for tasks that have one and sleep.
std::optional<Call> AnyInterruption(Scene& scene) {
  Dice& dice = scene.dice;
  std::vector<Kill> kills;
  for (const auto& [number, task] : *scene.world.tasks) {
    const uint64_t handled = task->signals.handled;
    if (number == 0 || !task->alive() || handled == 0 || !task->in_call()) continue;
    kills.push_back({.target = number, .signal = std::countr_zero(handled) + 1});
  }
  if (!kills.empty()) return kills[dice.Below(static_cast<int64_t>(kills.size()))];
  return Sigaction{.signal = dice.Of({SIGUSR1, SIGUSR2}),
                   .disposition = dice.Of({Disposition::kHandle, Disposition::kHandleRestart})};
}

}  // namespace

std::optional<Call> AnyPipeCall(Scene& scene) {
  Dice& dice = scene.dice;
  if (scene.world.pipes->size() == 0 || (scene.world.pipes->size() < 3 && dice.Percent(6))) {
    int64_t flags = 0;
    if (dice.Percent(40)) flags |= O_NONBLOCK;
    if (dice.Percent(20)) flags |= O_DIRECT;
    if (dice.Percent(20)) flags |= O_CLOEXEC;
    return MakePipe{.flags = flags};
  }
  switch (dice.Below(20)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
      return AnyWrite(scene);
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
      return AnyRead(scene);
    case 13:
      return SetPipeSize{
          .fd = scene.DescriptorWhere(IsPipe),
          .size = dice.Of({-1, 1, 4096, 8192, 12000, 16384, 65536, 131072, 1 << 21})};
    case 14:
      return GetPipeSize{.fd = scene.DescriptorWhere(IsPipe)};
    case 15:
    case 16:
      return Fionread{.fd = scene.DescriptorWhere(IsPipe)};
    case 17: {
      Poll poll{.timeout = dice.Percent(60) ? 0 : Nanos::kForever};
      for (int64_t i = 1 + dice.Below(2); i > 0; --i) {
        poll.fds.push_back(
            {scene.DescriptorWhere(IsPipe), dice.Of({POLLIN, POLLOUT, POLLIN | POLLOUT})});
      }
      return poll;
    }
    case 18:
      return SetStatusFlags{.fd = scene.DescriptorWhere(IsPipe),
                            .flags = dice.Of({0, O_NONBLOCK, O_DIRECT, O_NONBLOCK | O_DIRECT})};
    default:
      return Lseek{.fd = scene.DescriptorWhere(IsPipe)};
  }
}

std::optional<Call> AnyCredentialsCall(Scene& scene) {
  if (!MachineUnderTest().other_users || !scene.dice.Percent(40) || scene.task == 0) {
    return std::nullopt;
  }
  return SetCredentials{.uid = 1000 + scene.dice.Below(2), .gid = 1000 + scene.dice.Below(2)};
}

PROPERTY(Pipe, RandomPrograms, "pipe(7)",
         "Whatever several tasks do on pipes, some documented order of it explains what they saw",
         130, 40, {{12, AnyPipeCall}, {3, AnyProcessCall}, {2, AnyDescriptorCall}})

PROPERTY(Pipe, RandomProgramsWithSignals, "signal(7)",
         "Whatever handlers run while tasks wait on pipes and FIFOs, each call ends as documented",
         130, 40, {{6, AnyPipeCall}, {4, AnyFifoCall}, {4, AnyInterruption}, {3, AnyProcessCall}})

PROPERTY(Pipe, RandomDataOfOneTask, "pipe(7)",
         "Whatever one task writes, reads and resizes, it reads what it wrote", 150, 60,
         {{1, AnyPipeCall}})

}  // namespace ipcspec
