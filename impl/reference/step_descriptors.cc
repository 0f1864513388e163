// Descriptors and open file descriptions: close(2), dup(2), fcntl(2).
#include <fcntl.h>

#include <utility>

#include "impl/call/check.h"
#include "impl/reference/machine.h"

namespace ipcspec {
namespace {

// The status flags that F_SETFL can change, of those that matter here (fcntl(2)).
constexpr int64_t kSettable = O_NONBLOCK | O_APPEND | O_DIRECT | O_ASYNC;

// No descriptor refers to the description any more.
void CloseDescription(World& world, int number) {
  const Description description = *world.descriptions->Find(number);
  world.descriptions.Mutable().Erase(number);
  if (description.pipe >= 0) {
    Pipe& pipe = world.pipes.Mutable().Mutable(description.pipe);
    if (description.reads()) pipe.CloseReader();
    if (description.writes()) pipe.CloseWriter();
    if (pipe.readers() == 0 && pipe.writers() == 0 && description.inode < 0) {
      world.pipes.Mutable().Erase(description.pipe);
    }
  }
  if (description.inode >= 0) ReleaseInode(world, description.inode);
  if (description.kind == Description::Kind::kQueue) CloseQueue(world, description);
}

}  // namespace

int64_t FreeDescriptor(const World& world, int task, int64_t from) {
  const Task& self = world.GetTask(task);
  int64_t fd = from;
  while (self.Description(fd) >= 0) ++fd;
  return fd < self.max_descriptors ? fd : -1;
}

void Install(World& world, int task, int64_t fd, int description, bool close_on_exec) {
  IPCSPEC_CHECK(world.GetTask(task).Description(fd) < 0, "the descriptor is in use");
  Task& self = world.MutableTask(task);
  if (fd >= static_cast<int64_t>(self.descriptors.size())) self.descriptors.resize(fd + 1);
  self.descriptors[fd] = {.description = description, .close_on_exec = close_on_exec};
  ++world.descriptions.Mutable().Mutable(description).descriptors;
}

void CloseDescriptor(World& world, int task, int64_t fd, Choice* choice) {
  if (const Description& closed = *world.FindDescription(task, fd);
      closed.kind == Description::Kind::kQueue) {
    ForgetRegistration(world, task, fd, closed, choice);
  }
  const int description = std::exchange(world.MutableTask(task).descriptors[fd], {}).description;
  if (--world.descriptions.Mutable().Mutable(description).descriptors == 0) {
    CloseDescription(world, description);
  }
}

Result Unspecified(Machine& m, Result usual) {
  return m.choice.seen() != nullptr ? Done(*m.choice.seen()) : usual;
}

Result Step(Machine& m, const Close& call) {
  if (m.self().Description(call.fd.value) < 0) return Fail(EBADF);
  CloseDescriptor(m.world, m.task, call.fd.value, &m.choice);
  return Done(0);
}

Result Step(Machine& m, const Dup& call) {
  const int description = m.self().Description(call.fd.value);
  const int64_t fd = FreeDescriptor(m.world, m.task);
  Errors errors;
  errors.If(description < 0, EBADF);
  errors.If(fd < 0, EMFILE);
  if (errors.any()) return m.choice.FailWithAny(errors);
  Install(m.world, m.task, fd, description, false);
  return Done(fd);
}

Result Step(Machine& m, const Dup2& call) {
  const int description = m.self().Description(call.fd.value);
  const int64_t to = call.to.value;
  if (description < 0 || to < 0) return Fail(EBADF);
  // dup(2): EBADF also when `to` is out of the allowed range. Of a descriptor onto itself, opened
  // before the limit was lowered, Linux does not say it.
  const bool out_of_range = to >= m.self().max_descriptors;
  if (call.fd.value == to) return out_of_range && m.choice.SawError(EBADF) ? Fail(EBADF) : Done(to);
  if (out_of_range) return Fail(EBADF);
  if (m.self().Description(to) >= 0) CloseDescriptor(m.world, m.task, to, &m.choice);
  Install(m.world, m.task, to, description, false);
  return Done(to);
}

Result Step(Machine& m, const GetFdFlags& call) {
  if (m.self().Description(call.fd.value) < 0) return Fail(EBADF);
  return Done(m.self().descriptors[call.fd.value].close_on_exec ? FD_CLOEXEC : 0);
}

Result Step(Machine& m, const SetFdFlags& call) {
  if (m.self().Description(call.fd.value) < 0) return Fail(EBADF);
  m.mutable_self().descriptors[call.fd.value].close_on_exec = call.flags.has(FD_CLOEXEC);
  return Done(0);
}

Result Step(Machine& m, const GetStatusFlags& call) {
  const Description* description = m.world.FindDescription(m.task, call.fd.value);
  if (description == nullptr) return Fail(EBADF);
  // Flags that only matter while opening may show, and O_DIRECT, which concerns writes, on an end
  // that only reads; nobody promises it.
  const int64_t promised = O_ACCMODE | (description->writes() ? kSettable : kSettable & ~O_DIRECT);
  if (m.choice.SawSuccess() &&
      (m.choice.seen()->ret & promised) == (description->flags & promised)) {
    return Done(m.choice.seen()->ret);
  }
  return Done(description->flags);
}

Result Step(Machine& m, const SetStatusFlags& call) {
  const int number = m.self().Description(call.fd.value);
  if (number < 0) return Fail(EBADF);
  Description& description = m.world.descriptions.Mutable().Mutable(number);
  // open(2): what is no pipe need not have O_DIRECT.
  if (description.pipe < 0 && call.flags.has(O_DIRECT) && m.choice.SawError(EINVAL)) {
    return Fail(EINVAL);
  }
  description.flags = (description.flags & ~kSettable) | (call.flags.bits & kSettable);
  return Done(0);
}

}  // namespace ipcspec
