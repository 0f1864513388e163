// Properties of mappings: random programs of several tasks on a few files and a few pages.
//
// Addresses are pages of a small arena that every task has free, so that mappings meet, are cut and
// replaced; where the kernel chose the address there are only loads: what lies there once it is
// unmapped is not the program's.
#include <fcntl.h>
#include <sys/mman.h>

#include <string>
#include <vector>

#include "conformance/clause.h"
#include "conformance/makers.h"
#include "conformance/property.h"

namespace ipcspec {
namespace {

constexpr int64_t kArenaPages = 8;

bool IsFile(const Description& d) { return d.kind == Description::Kind::kFile; }

int64_t PageOf(const Scene& scene) { return scene.world.dialect->page_size; }

// A page of the arena; one that is mapped, most of the time.
int64_t AnyPage(Scene& scene) {
  const int64_t page = PageOf(scene);
  std::vector<int64_t> mapped;
  for (const Mapping& m : scene.world.SpaceOf(scene.task).all()) {
    if (m.start < kFirstAddress || kLastAddress <= m.start) continue;
    for (int64_t at = m.start; at < m.end(); at += page) mapped.push_back(at);
  }
  if (mapped.empty() || scene.dice.Percent(12)) {
    return kFirstAddress + scene.dice.Below(kArenaPages) * page;
  }
  return mapped[scene.dice.Below(static_cast<int64_t>(mapped.size()))];
}

// Where in a page: at its ends; now and then `size` bytes reach into the next.
int64_t AnyOffset(Scene& scene, int64_t size) {
  const int64_t page = PageOf(scene);
  return scene.dice.Percent(70) ? scene.dice.Below(12) : page - scene.dice.Below(size + 4);
}

std::string AnyBytes(Dice& dice) {
  std::string data;
  for (int64_t i = 1 + dice.Below(6); i > 0; --i) data += static_cast<char>('a' + dice.Below(26));
  if (dice.Percent(10)) data[0] = '\0';
  return data;
}

int64_t AnyProtection(Dice& dice) {
  constexpr int64_t kReadWrite = PROT_READ | PROT_WRITE;
  if (dice.Percent(4)) return dice.Of<int64_t>({PROT_READ | PROT_EXEC, PROT_EXEC, PROT_WRITE});
  return dice.Of<int64_t>({kReadWrite, kReadWrite, kReadWrite, PROT_READ, PROT_READ, PROT_NONE});
}

std::optional<Call> AnyMmap(Scene& scene) {
  Dice& dice = scene.dice;
  const int64_t page = PageOf(scene);
  Mmap map{.address = kFirstAddress + dice.Below(kArenaPages) * page,
           .length = (1 + dice.Below(3)) * page,
           .prot = AnyProtection(dice)};
  map.flags = dice.Percent(65) ? MAP_SHARED : MAP_PRIVATE;
  if (dice.Percent(30)) {
    map.flags.bits |= MAP_ANONYMOUS;
  } else {
    map.fd = scene.DescriptorWhere(IsFile);
    map.offset = dice.Of<int64_t>({0, 0, 0, page});
  }
  if (dice.Percent(75)) {
    map.flags.bits |= MAP_FIXED;
  } else if (dice.Percent(50)) {
    map.flags.bits |= MAP_FIXED_NOREPLACE;
  } else if (dice.Percent(40)) {
    map.address = 0;
  }
  if (dice.Percent(4)) map.length = dice.Of<int64_t>({0, 1, page + 1});
  if (dice.Percent(3)) map.offset = dice.Of<int64_t>({1, page / 2, 5 * page});
  if (dice.Percent(3)) map.address = map.address.value + 8;
  if (dice.Percent(2)) map.flags = 0;
  return map;
}

std::optional<Call> AnyFileCall(Scene& scene) {
  Dice& dice = scene.dice;
  const int64_t page = PageOf(scene);
  const Fd fd = scene.DescriptorWhere(IsFile);
  switch (dice.Below(10)) {
    case 0:
    case 1:
      return Read{.fd = fd, .count = dice.Of<int64_t>({0, 3, 10, 100})};
    case 2:
    case 3:
      return Write{.fd = fd, .data = dice.Percent(5) ? std::string() : AnyBytes(dice)};
    case 4:
    case 5:
      return Lseek{.fd = fd, .offset = dice.Of<int64_t>({0, 0, 2, 5, page - 2, page, -1})};
    case 6:
    case 7:
      return Ftruncate{
          .fd = fd,
          .length = dice.Of<int64_t>({0, 3, page - 1, page, page + 3, 2 * page, 2 * page, -1})};
    case 8:
      return FileSize{.fd = fd};
    default:
      return Unlink{.path = dice.Of({"m1", "m2"})};
  }
}

Call AnyOpen(Dice& dice) {
  int64_t flags = dice.Of({O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY});
  if (dice.Percent(85)) flags |= O_CREAT;
  if (dice.Percent(6)) flags |= O_TRUNC;
  if (dice.Percent(8)) flags |= O_APPEND;
  return Open{.path = dice.Of({"m1", "m2"}), .flags = flags, .mode = dice.Of({0600, 0666})};
}

}  // namespace

std::optional<Call> AnyMappingCall(Scene& scene) {
  Dice& dice = scene.dice;
  const int64_t page = PageOf(scene);
  const Fd file = scene.DescriptorWhere(IsFile);
  const bool has_file = file.is_reference();
  const int64_t pick = dice.Below(100);
  if (pick < (has_file ? 5 : 30)) return AnyOpen(dice);
  if (pick < 25) return AnyFileCall(scene);
  if (pick < 45 || scene.world.SpaceOf(scene.task).all().empty()) return AnyMmap(scene);
  const int64_t at = AnyPage(scene);
  if (pick < 66) {
    const int64_t size = 1 + dice.Below(8);
    if (dice.Percent(4)) return Load{.address = scene.Any<Address>(), .size = size};
    return Load{.address = at, .offset = AnyOffset(scene, size), .size = size};
  }
  if (pick < 86) {
    const std::string data = AnyBytes(dice);
    const int64_t offset = AnyOffset(scene, static_cast<int64_t>(data.size()));
    return Store{.address = at, .offset = offset, .data = data};
  }
  const int64_t length = dice.Percent(5) ? 0 : (1 + dice.Below(2)) * page - dice.Below(2);
  const int64_t offset = dice.Percent(3) ? 4 : 0;
  if (pick < 91) return Munmap{.address = at, .length = length, .offset = offset};
  if (pick < 97) {
    return Mprotect{.address = at, .length = length, .prot = AnyProtection(dice), .offset = offset};
  }
  return Msync{.address = at,
               .length = length,
               .flags = dice.Of<int64_t>(
                   {MS_SYNC, MS_ASYNC, MS_SYNC | MS_INVALIDATE, MS_SYNC | MS_ASYNC, 0}),
               .offset = offset};
}

PROPERTY(Mapping, RandomPrograms, "mmap(2)",
         "Whatever several tasks map, store and load, each sees what it shares, and only that", 130,
         50, {{14, AnyMappingCall}, {2, AnyProcessCall}})

PROPERTY(Mapping, RandomProgramsWithDeaths, "fork(2)",
         "Whatever tasks fork, execute and die with mappings, the others keep theirs", 130, 50,
         {{10, AnyMappingCall}, {4, AnyProcessCall}, {1, AnyDescriptorCall}})

PROPERTY(Mapping, RandomProgramsWithPipes, "mmap(2)",
         "Memory, files and pipes used by the same tasks keep their rules", 60, 40,
         {{8, AnyMappingCall}, {4, AnyPipeCall}, {2, AnyProcessCall}, {2, AnyDescriptorCall}})

}  // namespace ipcspec
