// Data on descriptors: pipe(2), read(2), write(2), readv(2), poll(2), and what fcntl(2), ioctl(2)
// and fstat(2) say of pipes. What a pipe does with the bytes is impl/mechanism/pipe.h; what a file
// holds is step_contents.cc.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <numeric>
#include <string>
#include <utility>

#include "impl/reference/machine.h"

namespace ipcspec {
namespace {

// Whether the call may not sleep. Nothing says whether one that sleeps already notices that
// O_NONBLOCK is set meanwhile (Linux does when it happens to wake), so then either is allowed.
bool Nonblocking(const Machine& m, const Description& description) {
  if ((description.flags & O_NONBLOCK) == 0) return false;
  if (!m.caller.asleep) return true;
  const bool partly = m.caller.progress->amount > 0 && m.choice.SawSuccess();
  return m.choice.SawError(EAGAIN) || partly;
}

Pipe& PipeOf(Machine& m, const Description& description) {
  return m.world.pipes.Mutable().Mutable(description.pipe);
}

Result ReadFrom(Machine& m, const Fd& fd, int64_t count) {
  const Description* description = m.world.FindDescription(m.task, fd.value);
  if (description == nullptr || !description->reads()) return Fail(EBADF);
  if (description->kind == Description::Kind::kDirectory) return Fail(EISDIR);
  if (description->kind == Description::Kind::kQueue) return Unspecified(m, Done(0));
  if (description->kind == Description::Kind::kFile) return ReadFile(m, fd, count);
  if (description->pipe < 0) return Done(0);  // /dev/null
  return PipeOf(m, *description).Read(count, Nonblocking(m, *description), m.caller, m.choice);
}

Result WriteTo(Machine& m, const Fd& fd, std::string_view data) {
  const Description* description = m.world.FindDescription(m.task, fd.value);
  if (description == nullptr || !description->writes()) return Fail(EBADF);
  if (description->kind == Description::Kind::kQueue) return Unspecified(m, Fail(EINVAL));
  if (description->kind == Description::Kind::kFile) return WriteFile(m, fd, data);
  if (description->pipe < 0) return Done(static_cast<int64_t>(data.size()));
  const bool nonblock = Nonblocking(m, *description);
  const bool packets = (description->flags & O_DIRECT) != 0;
  return PipeOf(m, *description).Write(data, nonblock, packets, m.caller, m.choice);
}

}  // namespace

Result Step(Machine& m, const MakePipe& call) {
  constexpr int64_t kFlags = O_CLOEXEC | O_NONBLOCK | O_DIRECT;
  const int64_t reader = FreeDescriptor(m.world, m.task);
  const int64_t writer = reader < 0 ? -1 : FreeDescriptor(m.world, m.task, reader + 1);
  Errors errors;
  errors.If((call.flags.bits & ~kFlags) != 0, EINVAL);
  errors.If(call.result == Memory::kBad, EFAULT);
  errors.If(writer < 0, EMFILE);
  if (errors.any()) return m.choice.FailWithAny(errors);

  const int pipe = m.world.pipes.Mutable().Add(Pipe(m.dialect()));
  PipeOf(m, {.pipe = pipe}).OpenReader();
  PipeOf(m, {.pipe = pipe}).OpenWriter();
  const int64_t status = call.flags.bits & O_NONBLOCK;
  // O_DIRECT concerns writes; whether the read end shows it is not said.
  const int64_t direct = call.flags.bits & O_DIRECT;
  auto& descriptions = m.world.descriptions.Mutable();
  const int read_end = descriptions.Add(
      {.kind = Description::Kind::kPipe, .flags = O_RDONLY | status | direct, .pipe = pipe});
  const int write_end = descriptions.Add(
      {.kind = Description::Kind::kPipe, .flags = O_WRONLY | status | direct, .pipe = pipe});
  const bool close_on_exec = call.flags.has(O_CLOEXEC);
  Install(m.world, m.task, reader, read_end, close_on_exec);
  Install(m.world, m.task, writer, write_end, close_on_exec);
  Outcome outcome = Returns(0);
  outcome.values = {reader, writer};
  return Done(std::move(outcome));
}

// A transfer with a bad buffer fails with EFAULT and moves nothing. Where the call would fail
// otherwise, end or sleep, nothing says which comes first; so either is allowed.
template <class Transfer>
Result WithBadBuffer(Machine& m, Transfer transfer) {
  if (m.choice.SawError(EFAULT)) return Fail(EFAULT);
  World copy = m.world;
  Machine tried{
      .world = copy, .task = m.task, .label = m.label, .caller = m.caller, .choice = m.choice};
  const Result result = transfer(tried);
  const bool moves_data = result.kind == Result::kMoved ||
                          (result.done() && result.outcome.ok() && result.outcome.ret > 0);
  return moves_data ? Fail(EFAULT) : result;
}

Result Step(Machine& m, const Read& call) {
  const auto read = [&](Machine& on) { return ReadFrom(on, call.fd, call.count); };
  return call.memory == Memory::kBad ? WithBadBuffer(m, read) : read(m);
}

Result Step(Machine& m, const Readv& call) {
  return ReadFrom(m, call.fd, std::accumulate(call.counts.begin(), call.counts.end(), int64_t{0}));
}

Result Step(Machine& m, const Write& call) {
  const auto write = [&](Machine& on) { return WriteTo(on, call.fd, call.data.text); };
  return call.memory == Memory::kBad ? WithBadBuffer(m, write) : write(m);
}

Result Step(Machine& m, const Writev& call) {
  std::string all;
  for (const Bytes& part : call.data) all += part.text;
  return WriteTo(m, call.fd, all);
}

Result Step(Machine& m, const GetPipeSize& call) {
  const Description* description = m.world.FindDescription(m.task, call.fd.value);
  if (description == nullptr || description->pipe < 0) return Fail(EBADF);
  return PipeOf(m, *description).GetSize(m.choice);
}

Result Step(Machine& m, const SetPipeSize& call) {
  const Description* description = m.world.FindDescription(m.task, call.fd.value);
  if (description == nullptr || description->pipe < 0) return Fail(EBADF);
  return PipeOf(m, *description).SetSize(call.size, m.caller, m.choice);
}

Result Step(Machine& m, const Fionread& call) {
  const Description* description = m.world.FindDescription(m.task, call.fd.value);
  if (description == nullptr) return Fail(EBADF);
  // Of other things nothing is said; Linux knows what is left of a file.
  if (description->pipe < 0) return m.choice.SawSuccess() ? Done(*m.choice.seen()) : Fail(ENOTTY);
  return PipeOf(m, *description).Fionread(m.choice);
}

Result Step(Machine& m, const Fstat& call) {
  const Description* description = m.world.FindDescription(m.task, call.fd.value);
  if (description == nullptr) return Fail(EBADF);
  if (description->inode >= 0) return m.world.files->Stat(description->inode);
  if (description->kind == Description::Kind::kQueue) return StatQueue(m, *description);
  Outcome outcome = Returns(0);
  if (description->pipe < 0) {
    outcome.values = {S_IFCHR, 0, 0, 1};
  } else {
    // The type is promised (pipe(7): a pipe is a FIFO to fstat); owner, mode and links are not.
    outcome.values = {S_IFIFO | 0600, m.caller.creds.uid, m.caller.creds.gid, 1};
  }
  if (m.choice.SawValues(outcome.values.size()) &&
      (m.choice.seen()->values[0] & S_IFMT) == (outcome.values[0] & S_IFMT)) {
    return Done(*m.choice.seen());
  }
  return Done(std::move(outcome));
}

Result Step(Machine& m, const Poll& call) {
  Outcome must = Returns(0), may = Returns(0);
  for (const PollFd& asked : call.fds) {
    Ready ready{.must = 0, .may = 0};
    if (asked.fd.value >= 0) {  // poll(2): an element with a negative descriptor is passed over
      const Description* description = m.world.FindDescription(m.task, asked.fd.value);
      if (description == nullptr) {
        ready = {.must = POLLNVAL, .may = POLLNVAL};
      } else if (description->pipe >= 0) {
        const Pipe& pipe = *m.world.pipes->Find(description->pipe);
        ready = pipe.Poll(description->reads(), description->writes(), asked.events.bits,
                          description->writer_mark);
      } else if (description->kind == Description::Kind::kQueue) {
        ready = PollQueue(m.world, *description, asked.events.bits);
      } else {
        // Of files one can always be had (POSIX.1-2024 poll).
        ready.must = ready.may = asked.events.bits & (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
      }
    }
    must.values.push_back(ready.must);
    may.values.push_back(ready.may);
    must.ret += ready.must != 0;
    may.ret += ready.may != 0;
  }
  const bool over =
      call.timeout.ns != Nanos::kForever && m.caller.latest >= m.caller.invoked + call.timeout.ns;
  if (m.choice.SawValues(may.values.size())) {
    const Outcome* seen = m.choice.seen();
    // Each element shows all that is certain and nothing that is impossible; an empty answer takes
    // the whole timeout.
    int64_t shown = 0;
    bool allowed = true;
    for (size_t i = 0; i < may.values.size(); ++i) {
      const int64_t revents = seen->values[i];
      allowed &= (revents & must.values[i]) == must.values[i] && (revents & ~may.values[i]) == 0;
      shown += revents != 0;
    }
    if (allowed && shown == seen->ret && (shown > 0 || over)) return Done(*seen);
  }
  if (must.ret > 0) return Done(std::move(must));
  if (over && m.choice.mode() != Choice::Mode::kSleepy) return Done(std::move(must));
  return SleepOrInterrupted(m.caller);
}

}  // namespace ipcspec
