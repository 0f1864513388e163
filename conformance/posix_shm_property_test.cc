// Properties of POSIX shared memory: random programs of several tasks, and users, on two names.
#include <fcntl.h>

#include <vector>

#include "conformance/clause.h"
#include "conformance/makers.h"
#include "conformance/property.h"

namespace ipcspec {
namespace {

const char* AnyName(Dice& dice) {
  return dice.Percent(3) ? dice.Of({"/", "/a/b", "/none"}) : dice.Of({"/x", "/x", "/y"});
}

}  // namespace

std::optional<Call> AnyPosixShmCall(Scene& scene) {
  Dice& dice = scene.dice;
  const Fd fd = scene.DescriptorWhere(
      [](const Description& d) { return d.kind == Description::Kind::kFile; });
  const int64_t page = scene.world.dialect->page_size;
  const int64_t pick = dice.Below(20);
  if (!fd.is_reference() || pick < 4) {
    int64_t flags = dice.Percent(80) ? O_RDWR : dice.Of({O_RDONLY, O_RDONLY, O_WRONLY});
    if (dice.Percent(75)) flags |= O_CREAT;
    if (dice.Percent(15)) flags |= O_EXCL;
    if (dice.Percent(8) && (flags & O_ACCMODE) == O_RDWR) flags |= O_TRUNC;
    return ShmOpen{.name = AnyName(dice), .flags = flags, .mode = dice.Of({0600, 0666, 0640, 0})};
  }
  switch (pick) {
    case 4:
      return ShmUnlink{.name = AnyName(dice)};
    case 5:
    case 6:
    case 7:
      return Ftruncate{.fd = fd, .length = dice.Of<int64_t>({0, 10, page, page + 10, 2 * page})};
    case 8:
      return Fchmod{.fd = fd, .mode = dice.Of({0600, 0666, 0440, 0})};
    case 9:
      return FileSize{.fd = fd};
    case 10:
      return Fstat{.fd = fd};
    default:
      return AnyMappingCall(scene);
  }
}

PROPERTY(PosixShm, RandomPrograms, "shm_open(3)",
         "Whatever several tasks and users do with objects of shared memory, it is as documented",
         130, 50, {{14, AnyPosixShmCall}, {2, AnyProcessCall}, {1, AnyCredentialsCall}})

PROPERTY(PosixShm, RandomProgramsWithDeaths, "shm_overview(7)",
         "Whatever tasks die with objects open and mapped, objects, names and contents stay", 100,
         50, {{8, AnyPosixShmCall}, {4, AnyProcessCall}, {1, AnyDescriptorCall}})

}  // namespace ipcspec
