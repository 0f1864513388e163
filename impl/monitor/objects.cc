#include "impl/monitor/objects.h"

#include <sys/mman.h>

#include <type_traits>

namespace ipcspec {
namespace {

template <class C, class... Types>
constexpr bool kIsOneOf = (std::is_same_v<C, Types> || ...);

std::optional<ObjectName> OfDescriptor(const World& world, int task, int64_t fd) {
  const Description* d = world.FindDescription(task, fd);
  if (d == nullptr) return std::nullopt;
  if (d->kind == Description::Kind::kQueue) {
    return ObjectName{.kind = ObjectName::kPosixQueue, .where = d->ipc, .number = d->queue};
  }
  if (d->kind == Description::Kind::kPipe || d->kind == Description::Kind::kFifo) {
    return ObjectName{.kind = ObjectName::kPipe, .number = d->pipe};
  }
  return std::nullopt;
}

std::optional<ObjectName> OfAddress(const World& world, int task, int64_t address,
                                    ObjectName::Kind kind) {
  const Mapping* m = world.SpaceOf(task).Find(address);
  constexpr int64_t kBoth = PROT_READ | PROT_WRITE;
  if (m == nullptr || !m->shared || (m->prot & kBoth) != kBoth) return std::nullopt;
  return ObjectName{.kind = kind, .where = m->object, .number = m->offset + (address - m->start)};
}

}  // namespace

std::optional<ObjectName> FindObject(const World& world, int task, const Call& call) {
  const Task* caller = world.FindTask(task);
  if (caller == nullptr) return std::nullopt;
  return std::visit(
      [&]<class C>(const C& c) -> std::optional<ObjectName> {
        if constexpr (kIsOneOf<C, Msgsnd, Msgrcv>) {
          return ObjectName{
              .kind = ObjectName::kSysvQueue, .where = caller->ipc, .number = c.id.value};
        } else if constexpr (kIsOneOf<C, Semop, SemGetVal, SemGetAll, SemSetVal, SemSetAll>) {
          return ObjectName{
              .kind = ObjectName::kSysvSem, .where = caller->ipc, .number = c.id.value};
        } else if constexpr (kIsOneOf<C, MqSend, MqReceive, MqGetattr, Read, Write, Fionread,
                                      GetPipeSize>) {
          return OfDescriptor(world, task, c.fd.value);
        } else if constexpr (kIsOneOf<C, PsemInit, PsemPost, PsemTryWait, PsemWait, PsemGetValue>) {
          return OfAddress(world, task, AddressAt(c.address.value, c.offset),
                           ObjectName::kPosixSem);
        } else if constexpr (kIsOneOf<C, Load, Store>) {
          return OfAddress(world, task, AddressAt(c.address.value, c.offset), ObjectName::kMemory);
        } else {
          return std::nullopt;
        }
      },
      static_cast<const CallVariant&>(call));
}

bool IsIdle(const Call& call) { return std::holds_alternative<Await>(call); }

}  // namespace ipcspec
