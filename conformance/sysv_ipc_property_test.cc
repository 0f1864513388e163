// Properties of what System V objects have in common: random programs with objects of all kinds,
// in several namespaces, with limits that change and privileges that go.
#include <sched.h>

#include "conformance/makers.h"
#include "conformance/property.h"
#include "conformance/sysv_ipc_kinds.h"

namespace ipcspec {
namespace {

int64_t AnyFlags(Dice& dice) {
  int64_t flags = dice.Of({0600, 0666, 0640, 0604, 0, 0611, 0040});
  if (dice.Percent(80)) flags |= IPC_CREAT;
  if (dice.Percent(20)) flags |= IPC_EXCL;
  return flags;
}

// The calls that control an object of one kind.
template <class Stat, class Set, class Remove, class StatIndex>
std::optional<Call> AnyControl(Scene& scene) {
  Dice& dice = scene.dice;
  const auto id = scene.Any<decltype(Stat::id)>();
  switch (dice.Below(8)) {
    case 0:
      return dice.Percent(60) ? std::optional<Call>(Remove{.id = id}) : std::nullopt;
    case 1:
    case 2: {
      Set set{.id = id, .uid = dice.Of({0, 1000, 1001}), .gid = dice.Of({0, 1000, 1001})};
      if (dice.Percent(3)) set.gid = -1;
      set.mode = dice.Of({0600, 0666, 0640, 0604, 0060, 0});
      return set;
    }
    case 3:
      return StatIndex{.index = dice.Below(4), .any = dice.Percent(50)};
    default:
      return Stat{.id = id};
  }
}

std::optional<Call> AnyObjectCall(Scene& scene) {
  const Kind& kind = Kinds()[scene.dice.Below(static_cast<int64_t>(Kinds().size()))];
  if (scene.dice.Percent(35)) return kind.Get(scene.dice.Of({0, 77, 77, 78}), AnyFlags(scene.dice));
  switch (kind.kind) {
    case IpcKind::kSem:
      return AnyControl<SemStat, SemSet, SemRemove, SemStatIndex>(scene);
    case IpcKind::kMsg:
      return AnyControl<MsgStat, MsgSet, MsgRemove, MsgStatIndex>(scene);
    case IpcKind::kShm:
      return AnyControl<ShmStat, ShmSet, ShmRemove, ShmStatIndex>(scene);
  }
  return std::nullopt;
}

std::optional<Call> AnyLimit(Dice& dice) {
  const Limit limit =
      dice.Of({Limit::kMsgmni, Limit::kShmmni, Limit::kMsgmax, Limit::kSemNextId, Limit::kMsgNextId,
               Limit::kShmNextId, Limit::kMqMsgMax, Limit::kShmall, Limit::kShmRmidForced});
  if (dice.Percent(40)) return GetLimit{.limit = limit};
  return SetLimit{.limit = limit, .value = dice.Of({-1, 1, 3, 3, 40, 32768 + 2, 4 * 32768 + 1})};
}

// Leaves its namespace and its adjustments.
std::optional<Call> Leave(Scene& scene) {
  return scene.task == 0 ? std::nullopt : std::optional<Call>(UnshareIpc{});
}

}  // namespace

std::optional<Call> AnyIpcCall(Scene& scene) {
  Dice& dice = scene.dice;
  switch (dice.Below(24)) {
    case 0:
      return dice.Percent(50) ? std::optional<Call>(UnshareIpc{}) : std::nullopt;
    case 1:
      if (scene.world.tasks->size() > 12) return std::nullopt;
      return Clone{.flags = dice.Percent(90) ? CLONE_NEWIPC : CLONE_NEWIPC | CLONE_SYSVSEM};
    case 2:
    case 3:
    case 4:
      return ListIpc{.kind = dice.Of({IpcKind::kSem, IpcKind::kMsg, IpcKind::kShm})};
    case 5:
    case 6:
      return AnyLimit(dice);
    case 7:
      if (scene.task == 0 || !dice.Percent(40)) return std::nullopt;
      return DropCapability{.capability = dice.Of({Capability::kIpcOwner, Capability::kSysAdmin})};
    case 8:
      if (scene.task == 0) return std::nullopt;
      return SetGroup{.gid = 1000 + dice.Below(2)};
    default:
      return AnyObjectCall(scene);
  }
}

PROPERTY(SysvIpc, RandomPrograms, "sysvipc(7)",
         "Whatever several tasks do to objects of all kinds, in and between namespaces, keys, "
         "identifiers, permissions, lists and limits stay as documented",
         130, 50, {{14, AnyIpcCall}, {3, AnyProcessCall}, {2, AnyCredentialsCall}})

PROPERTY(SysvIpc, RandomProgramsWithAdjustments, "unshare(2)",
         "Semaphores keep their rules when tasks come, go and change namespaces", 130, 50,
         {{2, AnyIpcCall}, {18, AnySysvSemCall}, {5, AnyProcessCall}, {1, Leave}})

PROPERTY(SysvIpc, RandomProgramsOfAllKinds, "ipc_namespaces(7)",
         "Semaphores, message queues and shared memory keep their rules beside each other, in and "
         "between namespaces",
         120, 60,
         {{5, AnyIpcCall},
          {5, AnySysvSemCall},
          {5, AnySysvMsgCall},
          {5, AnySysvShmCall},
          {5, AnyProcessCall},
          {1, Leave}})

}  // namespace ipcspec
