// Properties of POSIX semaphores: random programs of several tasks on a few of them, in memory that
// tasks share, in memory that they share wholly (CLONE_VM), and by name.
//
// What is undefined is not drawn: using what is no semaphore, making one again where one is,
// destroying or closing one that somebody waits for.
#include <fcntl.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>

#include <algorithm>
#include <string>
#include <vector>

#include "conformance/clause.h"
#include "conformance/makers.h"
#include "conformance/posix_sem_helpers.h"
#include "conformance/property.h"

namespace ipcspec {
namespace {

constexpr int kMaxTasks = 6;  // alive at once
constexpr int64_t kSegmentSize = 4096;

// A place for a semaphore in the task's memory.
struct Place {
  Address address;  // of the mapping
  int64_t offset;
  bool shared;  // between processes
  bool named;
};

// Whether a task waits for a semaphore somewhere, perhaps one with this address space.
bool SomebodyWaits(const World& world, int space = -1) {
  return std::any_of(world.tasks->begin(), world.tasks->end(), [&](const auto& entry) {
    const Task& task = *entry.second;
    return task.alive() && task.in_call() && (space < 0 || task.space == space) &&
           std::holds_alternative<PsemWait>(*task.current.call);
  });
}

// The semaphores that the task may use, and (`free`) places where it could make one.
std::vector<Place> Places(Scene& scene, bool free) {
  std::vector<Place> places;
  const AddressSpace& space = scene.world.SpaceOf(scene.task);
  for (const Mapping& m : space.all()) {
    const MemoryObject& object = *scene.world.memory->Find(m.object);
    const bool named = space.named.At(m.start) != nullptr;
    const std::optional<Address> address = scene.Named<Address>(m.start);
    if (!address.has_value()) continue;
    for (int64_t offset : {int64_t{0}, kSemSize, 2 * kSemSize}) {
      if (offset + PosixSem::kSize > object.size) continue;
      const auto it = object.semaphores.find(m.offset + offset);
      const bool made = it != object.semaphores.end();
      const bool usable = made && (it->second.shared || it->second.home == scene.self().space);
      if (free ? !made && !named : usable) {
        places.push_back(
            {.address = *address, .offset = offset, .shared = m.shared, .named = named});
      }
    }
  }
  return places;
}

PsemWait AnyWait(Dice& dice) {
  PsemWait wait;
  if (dice.Percent(75)) return wait;
  wait.timeout = dice.Of({kPast, int64_t{0}, int64_t{5'000'000}, int64_t{10'000'000}});
  wait.clock = dice.Percent(5) ? Clock::kBad
                               : dice.Of({Clock::kDefault, Clock::kRealtime, Clock::kMonotonic});
  wait.bad_time = dice.Percent(5);
  return wait;
}

std::optional<Call> AnyNameCall(Scene& scene) {
  Dice& dice = scene.dice;
  const std::string name = dice.Percent(4) ? dice.Of({"/", "//a"}) : dice.Of({"/a", "/a", "/b"});
  if (dice.Percent(20)) return PsemUnlink{.name = name};
  int64_t flags = dice.Percent(80) ? O_CREAT : 0;
  if (flags != 0 && dice.Percent(15)) flags |= O_EXCL;
  return PsemOpen{.name = name,
                  .flags = flags,
                  .mode = dice.Of({0600, 0666, 0640, 0}),
                  .value = dice.Percent(3) ? kSemValueMax + dice.Below(2) : dice.Below(3)};
}

// A new place, or a semaphore at one.
std::optional<Call> AnyNewSemaphore(Scene& scene) {
  Dice& dice = scene.dice;
  const std::vector<Place> free = Places(scene, true);
  if (free.empty() || dice.Percent(10)) {
    return Mmap{.prot = PROT_READ | PROT_WRITE,
                .flags = MAP_ANONYMOUS | (dice.Percent(75) ? MAP_SHARED : MAP_PRIVATE)};
  }
  const Place& place = free[dice.Below(static_cast<int64_t>(free.size()))];
  return PsemInit{.address = place.address,
                  .offset = place.offset,
                  .shared = place.shared,
                  .value = dice.Percent(5) ? kSemValueMax + dice.Below(2) : dice.Below(3)};
}

template <class C>
C At(const Place& place, C call = {}) {
  call.address = place.address;
  call.offset = place.offset;
  return call;
}

// System V segments as memory for semaphores: attached, detached, removed while in use.
std::optional<Call> AnySegmentCall(Scene& scene) {
  Dice& dice = scene.dice;
  const ShmId id = scene.Any<ShmId>();
  if (!id.is_reference() || dice.Percent(15)) {
    return Shmget{.size = kSegmentSize, .flags = IPC_CREAT | 0600};
  }
  switch (dice.Below(6)) {
    case 0:
      return ShmRemove{.id = id};
    case 1: {
      // Who sleeps on what it no longer has is not told of any post.
      if (SomebodyWaits(scene.world, scene.self().space)) return std::nullopt;
      for (const Mapping& m : scene.world.SpaceOf(scene.task).all()) {
        const std::optional<Address> address = scene.Named<Address>(m.start);
        if (m.segment >= 0 && address.has_value()) return Shmdt{.address = *address};
      }
      return std::nullopt;
    }
    default:
      return Shmat{.id = id};
  }
}

}  // namespace

std::optional<Call> AnyPosixSemCall(Scene& scene) {
  Dice& dice = scene.dice;
  const std::vector<Place> places = Places(scene, false);
  if (places.empty() || dice.Percent(12)) {
    return dice.Percent(50) ? AnyNewSemaphore(scene) : AnyNameCall(scene);
  }
  const Place& place = places[dice.Below(static_cast<int64_t>(places.size()))];
  switch (dice.Below(16)) {
    case 0:
      if (place.named || SomebodyWaits(scene.world)) return std::nullopt;
      return At(place, PsemDestroy{});
    case 1:
      if (!place.named || SomebodyWaits(scene.world, scene.self().space)) return std::nullopt;
      return PsemClose{.address = place.address};
    case 2:
    case 3:
      return At(place, PsemGetValue{});
    case 4:
    case 5:
      return At(place, PsemTryWait{});
    case 6: {
      const auto alive = std::count_if(scene.world.tasks->begin(), scene.world.tasks->end(),
                                       [](const auto& entry) { return entry.second->alive(); });
      if (alive >= kMaxTasks) return std::nullopt;
      return Clone{.flags = CLONE_VM};
    }
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
      return At(place, PsemPost{});
    default:
      return At(place, AnyWait(dice));
  }
}

PROPERTY(PosixSem, RandomPrograms, "sem_overview(7)",
         "Whatever several tasks do on semaphores, some order of it explains what they saw", 130,
         40, {{14, AnyPosixSemCall}, {4, AnyProcessCall}})

PROPERTY(PosixSem, RandomProgramsWithDeaths, "sem_overview(7)",
         "Whatever tasks die, exec or get signals, semaphores keep their values and wake who waits",
         130, 40, {{8, AnyPosixSemCall}, {5, AnyProcessCall}, {1, AnyCredentialsCall}})

PROPERTY(PosixSem, RandomProgramsInSegments, "sem_overview(7)",
         "Semaphores in System V segments work for whoever has them attached, removed or not", 130,
         50, {{9, AnyPosixSemCall}, {6, AnySegmentCall}, {4, AnyProcessCall}})

PROPERTY(PosixSem, RandomProgramsWithPipes, "sem_overview(7)",
         "Semaphores and pipes used by the same tasks keep their rules", 60, 40,
         {{8, AnyPosixSemCall}, {5, AnyPipeCall}, {4, AnyProcessCall}, {1, AnyDescriptorCall}})

}  // namespace ipcspec
