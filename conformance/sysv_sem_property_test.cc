// Properties of System V semaphores: random programs of several tasks on a few sets.
#include <sys/ipc.h>
#include <sys/sem.h>

#include <vector>

#include "conformance/clause.h"
#include "conformance/makers.h"
#include "conformance/property.h"

namespace ipcspec {
namespace {

int64_t AnyNum(Dice& dice) { return dice.Percent(3) ? dice.Of({-1, 3, 7}) : dice.Below(3); }

Sembuf AnyOperation(Dice& dice) {
  Sembuf op{.num = dice.Percent(2) ? 9 : dice.Below(3)};
  op.op = dice.Percent(3) ? dice.Of({32767, -32767, 30000, -30000}) : dice.Below(7) - 3;
  if (dice.Percent(25)) op.flags.bits |= IPC_NOWAIT;
  if (dice.Percent(45)) op.flags.bits |= SEM_UNDO;
  return op;
}

std::optional<Call> AnySemop(Scene& scene) {
  Dice& dice = scene.dice;
  Semop semop{.id = scene.Any<SemId>()};
  for (int64_t i = 1 + dice.Below(dice.Percent(50) ? 1 : 4); i > 0; --i) {
    semop.ops.push_back(AnyOperation(dice));
  }
  if (dice.Percent(6)) semop.timeout = Nanos(dice.Of({0, 5'000'000, 10'000'000}));
  return semop;
}

}  // namespace

std::optional<Call> AnySysvSemCall(Scene& scene) {
  Dice& dice = scene.dice;
  const SemId id = scene.Any<SemId>();
  if (!id.is_reference() || dice.Percent(4)) {
    int64_t flags = dice.Of({0600, 0666, 0640, 0});
    if (dice.Percent(85)) flags |= IPC_CREAT;
    if (dice.Percent(20)) flags |= IPC_EXCL;
    return Semget{.key = Key(dice.Of({0, 77, 77, 78})),
                  .nsems = dice.Percent(5) ? dice.Of({0, -1}) : 3,
                  .flags = flags};
  }
  switch (dice.Below(32)) {
    case 0:
      return SemGetVal{.id = id, .num = AnyNum(dice)};
    case 1:
      return SemSetVal{.id = id,
                       .num = AnyNum(dice),
                       .value = dice.Percent(5) ? dice.Of({-1, 32767, 32768}) : dice.Below(5)};
    case 2:
    case 3:
      return SemGetAll{.id = id};
    case 4:
      return SemSetAll{.id = id, .all = {dice.Below(4), dice.Below(4), dice.Below(4)}};
    case 5:
      return SemGetPid{.id = id, .num = AnyNum(dice)};
    case 6:
      return SemGetNcnt{.id = id, .num = AnyNum(dice)};
    case 7:
      return SemGetZcnt{.id = id, .num = AnyNum(dice)};
    case 8:
      return SemStat{.id = id};
    case 9:
      return SemSet{.id = id,
                    .uid = dice.Of({0, 1000, 1001}),
                    .gid = dice.Of({0, 1000}),
                    .mode = dice.Of({0600, 0666, 0})};
    case 10:
      return dice.Percent(40) ? std::optional<Call>(SemRemove{.id = id}) : std::nullopt;
    case 11:
      return dice.Percent(50) ? Call(SemUsage{}) : Call(SemLimits{});
    default:
      return AnySemop(scene);
  }
}

PROPERTY(
    SysvSem, RandomPrograms, "semop(2)",
    "Whatever several tasks do on semaphore sets, some documented order explains what they saw",
    130, 40, {{14, AnySysvSemCall}, {4, AnyProcessCall}, {1, AnyCredentialsCall}})

PROPERTY(SysvSem, RandomProgramsWithDeaths, "semop(2)",
         "Whatever tasks die with adjustments, the values are as documented, and waiters go on",
         130, 40, {{8, AnySysvSemCall}, {5, AnyProcessCall}})

PROPERTY(SysvSem, RandomProgramsWithPipes, "semop(2)",
         "Semaphores and pipes used by the same tasks keep their rules", 60, 40,
         {{6, AnySysvSemCall}, {6, AnyPipeCall}, {4, AnyProcessCall}, {1, AnyDescriptorCall}})

}  // namespace ipcspec
