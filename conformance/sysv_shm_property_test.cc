// Properties of System V shared memory: random programs of several tasks on a few segments.
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include <vector>

#include "conformance/clause.h"
#include "conformance/makers.h"
#include "conformance/property.h"

namespace ipcspec {
namespace {

constexpr int64_t kPage = 4096;
constexpr int64_t kPlaces = 8;  // pages from kFirstAddress on, in which segments meet

// A place of the program's own choice: there nothing but segments can be in the way.
Address AnyPlace(Dice& dice) {
  return kFirstAddress + kPage * dice.Below(kPlaces) + (dice.Percent(8) ? 17 : 0);
}

// An address at which the task has a segment attached, if it has one: of its own choice, or now and
// then one that the kernel chose, perhaps for another.
Address AnyAttached(Scene& scene, bool own_choice) {
  Dice& dice = scene.dice;
  std::vector<int64_t> mine;
  for (const Mapping& m : scene.world.SpaceOf(scene.task).all()) {
    const bool chosen = kFirstAddress <= m.start && m.start < kLastAddress;
    if (m.segment >= 0 && (chosen || !own_choice)) mine.push_back(m.attached_at);
  }
  if (mine.empty() || dice.Percent(5)) return AnyPlace(dice);
  const int64_t at = mine[dice.Below(static_cast<int64_t>(mine.size()))];
  if (kFirstAddress <= at && at < kLastAddress) return at;
  return scene.Any<Address>();
}

std::optional<Call> AnyAttach(Scene& scene) {
  Dice& dice = scene.dice;
  Shmat shmat{.id = scene.Any<ShmId>()};
  if (dice.Percent(60)) shmat.address = AnyPlace(dice);
  if (dice.Percent(25)) shmat.flags.bits |= SHM_RDONLY;
  if (dice.Percent(20)) shmat.flags.bits |= SHM_RND;
  // With an address of the program's only: elsewhere it could take the place of the task's code.
  if (dice.Percent(30)) shmat.flags.bits |= SHM_REMAP;
  return shmat;
}

// Takes pages out of what is attached, or changes their protection.
std::optional<Call> AnyDamage(Scene& scene) {
  Dice& dice = scene.dice;
  const Address at = kFirstAddress + kPage * dice.Below(kPlaces);
  const int64_t length = kPage * (1 + dice.Below(2));
  if (dice.Percent(50)) return Munmap{.address = at, .length = length};
  return Mprotect{.address = at,
                  .length = length,
                  .prot = dice.Percent(50) ? PROT_READ : PROT_READ | PROT_WRITE};
}

// Tasks that share their address space, now and then.
std::optional<Call> AnySharer(Scene& scene) {
  if (scene.world.tasks->size() > 8) return std::nullopt;
  return Clone{.flags = scene.dice.Percent(70) ? CLONE_VM : CLONE_VM | CLONE_SYSVSEM};
}

}  // namespace

std::optional<Call> AnySysvShmCall(Scene& scene) {
  Dice& dice = scene.dice;
  const ShmId id = scene.Any<ShmId>();
  if (!id.is_reference() || dice.Percent(5)) {
    int64_t flags = dice.Of({0600, 0666, 0640, 0});
    if (dice.Percent(85)) flags |= IPC_CREAT;
    if (dice.Percent(20)) flags |= IPC_EXCL;
    return Shmget{
        .key = Key(dice.Of({0, 77, 77, 78})),
        .size = dice.Percent(5) ? dice.Of({0, -1}) : dice.Of({1, 4096, 8000, 8000, 12288}),
        .flags = flags};
  }
  const int64_t offset = dice.Of({0, 1, 4095, 4096, 8191});
  switch (dice.Below(24)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
      return AnyAttach(scene);
    case 5:
    case 6:
    case 7:
      return Shmdt{.address = AnyAttached(scene, false), .offset = dice.Percent(6) ? offset : 0};
    case 8:
    case 9:
    case 10:
      return Store{.address = AnyAttached(scene, true),
                   .offset = offset,
                   .data = dice.Of({"a", "b", "c", "d"})};
    case 11:
    case 12:
    case 13:
      return Load{.address = AnyAttached(scene, false), .offset = offset};
    case 14:
    case 15:
    case 16:
    case 17:
      return ShmStat{.id = id};
    case 18:
      return ShmSet{.id = id,
                    .uid = dice.Of({0, 1000, 1001}),
                    .gid = dice.Of({0, 1000}),
                    .mode = dice.Of({0600, 0666, 0444, 0})};
    case 19:
    case 20:
      return ShmRemove{.id = id};
    case 21:
      return dice.Percent(50) ? Call(ShmLock{.id = id}) : Call(ShmUnlock{.id = id});
    case 22:
      return dice.Percent(50) ? Call(ShmUsage{}) : Call(ShmLimits{});
    default:
      return dice.Percent(70) ? std::nullopt
                              : std::optional<Call>(Shmget{.key = 77, .size = 0, .flags = 0});
  }
}

PROPERTY(SysvShm, RandomPrograms, "shmop(2)",
         "Whatever several tasks do with segments, some documented order explains what they saw",
         130, 40, {{16, AnySysvShmCall}, {3, AnyProcessCall}, {1, AnyCredentialsCall}})

PROPERTY(
    SysvShm, RandomProgramsWithDeaths, "shmop(2)",
    "However tasks fork, share, exec and die, segments are attached, stay and go as documented",
    130, 40, {{12, AnySysvShmCall}, {6, AnyProcessCall}, {1, AnySharer}, {1, AnyDamage}})

PROPERTY(SysvShm, RandomProgramsWithSemaphores, "sysvipc(7)",
         "Segments and semaphores used by the same tasks keep their rules, undone and detached", 80,
         40, {{7, AnySysvShmCall}, {6, AnySysvSemCall}, {4, AnyProcessCall}})

}  // namespace ipcspec
