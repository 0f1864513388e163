// Properties of FIFOs: random programs of several tasks that open, use and remove a few names.
#include <fcntl.h>
#include <sys/stat.h>

#include <string>

#include "conformance/clause.h"
#include "conformance/makers.h"
#include "conformance/property.h"

namespace ipcspec {
namespace {

std::string AnyPath(Dice& dice) {
  if (dice.Percent(8)) return dice.Of({"", "f/", "l/", "d/", "d", "d/.", "d//f", "x/f"});
  return dice.Of({"f", "f", "f", "g", "g", "d/f", "l", "x"});
}

std::optional<Call> MakeNames(Scene& scene) {
  Dice& dice = scene.dice;
  switch (dice.Below(8)) {
    case 0:
      return Mkdir{.path = "d", .mode = dice.Of({0777, 0755, 0700})};
    case 1:
      return Symlink{.target = dice.Of({"f", "d/f", "l", "d", "x/y"}),
                     .path = dice.Of({"l", "l", "x/"})};
    case 2:
      return Mknod{.path = AnyPath(dice), .mode = S_IFIFO | dice.Of({0600, 0666, 0644})};
    default:
      return Mkfifo{.path = AnyPath(dice), .mode = dice.Of({0600, 0666, 0644, 0622})};
  }
}

}  // namespace

std::optional<Call> AnyFifoCall(Scene& scene) {
  Dice& dice = scene.dice;
  switch (dice.Below(14)) {
    case 0:
    case 1:
    case 2:
      return MakeNames(scene);
    case 3:
      return Unlink{.path = AnyPath(dice)};
    case 4:
      if (dice.Percent(60))
        return Rename{.from = dice.Of({"f", "g"}), .to = dice.Of({"f", "g", "h"})};
      return Rename{.from = dice.Of({"f", "d/f", "d", "e", "e/", "l/", "."}),
                    .to = dice.Of({"f", "d", "e", "d/f", "d/e", "e/d", "g/", "l/"})};
    case 5:
      if (dice.Percent(20)) return Chmod{.path = "d", .mode = dice.Of({0777, 01777, 02777, 0755})};
      return Chmod{.path = AnyPath(dice), .mode = dice.Of({0666, 0600, 0})};
    case 6:
      return Stat{.path = AnyPath(dice)};
    default: {
      int64_t flags = dice.Of({O_RDONLY, O_WRONLY, O_RDWR});
      if (dice.Percent(40)) flags |= O_NONBLOCK;
      if (dice.Percent(10)) flags |= O_CLOEXEC;
      return Open{.path = AnyPath(dice), .flags = flags};
    }
  }
}

PROPERTY(Fifo, RandomPrograms, "fifo(7)",
         "Whatever several tasks do with FIFOs, some documented order of it explains what they saw",
         130, 40,
         {{8, AnyFifoCall},
          {4, AnyPipeCall},
          {4, AnyProcessCall},
          {2, AnyDescriptorCall},
          {1, AnyCredentialsCall}})

}  // namespace ipcspec
