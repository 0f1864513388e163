// Clauses of loads and stores that fault, and of what makes them: munmap(2), mprotect(2),
// ftruncate(2), mmap(2). Addresses are chosen (MAP_FIXED), so that what is not mapped is known.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include <string>

#include "conformance/clause.h"
#include "conformance/mapping_helpers.h"

namespace ipcspec {
namespace {

void MapAnonymous(TaskHandle& a, int64_t length, int64_t prot = kReadWrite,
                  int64_t type = MAP_SHARED) {
  a.Must(Mmap{
      .address = kHere, .length = length, .prot = prot, .flags = type | MAP_FIXED | MAP_ANONYMOUS});
}

Fd MapFile(TaskHandle& a, int64_t size, int64_t length, int64_t type = MAP_SHARED) {
  const Fd fd = MakeFile(a, "f", std::string(size, 'f'));
  a.Must(Mmap{
      .address = kHere, .length = length, .prot = kReadWrite, .flags = type | MAP_FIXED, .fd = fd});
  return fd;
}

CLAUSE(Mapping, NothingMappedIsSegv, "mmap(2)",
       "A load or store where nothing is mapped raises SIGSEGV; the task may handle it and go on") {
  EXPECT_THAT(a.Do(Load{.address = kHere}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Store{.address = kHere, .data = "x"}), Gives(SIGSEGV));
  MapAnonymous(a, dialect().page_size);
  EXPECT_THAT(a.Do(Store{.address = kHere, .data = "x"}), Gives(0));
}

CLAUSE(Mapping, UnmappedIsSegv, "munmap(2)",
       "After munmap the addresses are invalid: loads and stores raise SIGSEGV") {
  MapAnonymous(a, dialect().page_size);
  a.Must(Store{.address = kHere, .data = "x"});
  EXPECT_THAT(a.Do(Munmap{.address = kHere, .length = dialect().page_size}), Gives(0));
  EXPECT_THAT(a.Do(Load{.address = kHere}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Store{.address = kHere, .data = "x"}), Gives(SIGSEGV));
}

CLAUSE(Mapping, UnmapsTheMiddle, "munmap(2)",
       "Munmap of pages within a mapping leaves those before and behind, with their contents") {
  const int64_t page = dialect().page_size;
  MapAnonymous(a, 3 * page);
  a.Must(Store{.address = kHere, .offset = page - 1, .data = "1"});
  a.Must(Store{.address = kHere, .offset = 2 * page, .data = "3"});
  EXPECT_THAT(a.Do(Munmap{.address = kHere, .length = page, .offset = page}), Gives(0));
  EXPECT_THAT(a.Do(Load{.address = kHere, .offset = page}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Load{.address = kHere, .offset = 2 * page - 1}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Load{.address = kHere, .offset = page - 1}), Gives(0, "1"));
  EXPECT_THAT(a.Do(Load{.address = kHere, .offset = 2 * page}), Gives(0, "3"));
}

CLAUSE(Mapping, UnmapsWholePages, "munmap(2)",
       "All pages that contain a part of the range go, also where the length ends within one") {
  const int64_t page = dialect().page_size;
  MapAnonymous(a, 2 * page);
  EXPECT_THAT(a.Do(Munmap{.address = kHere, .length = page + 1}), Gives(0));
  EXPECT_THAT(a.Do(Load{.address = kHere, .offset = 2 * page - 1}), Gives(SIGSEGV));
}

CLAUSE(Mapping, UnmapsSeveralMappings, "munmap(2)",
       "One munmap takes away all that is mapped in its range, be it one mapping or several") {
  const int64_t page = dialect().page_size;
  MapAnonymous(a, 4 * page);
  a.Must(Mmap{.address = kHere.value + page,
              .length = page,
              .prot = PROT_READ,
              .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED});
  EXPECT_THAT(a.Do(Munmap{.address = kHere, .length = 3 * page}), Gives(0));
  for (int64_t i : {0, 1, 2}) {
    EXPECT_THAT(a.Do(Load{.address = kHere, .offset = i * page}), Gives(SIGSEGV));
  }
  EXPECT_THAT(a.Do(Load{.address = kHere, .offset = 3 * page}), Gives(0));
}

CLAUSE(Mapping, UnmappingNothingSucceeds, "munmap(2)",
       "It is no error when the range holds no mapping") {
  EXPECT_THAT(a.Do(Munmap{.address = kHere, .length = 5 * dialect().page_size}), Gives(0));
  MapAnonymous(a, dialect().page_size);
  const Munmap all{.address = kHere, .length = dialect().page_size};
  EXPECT_THAT(a.Do(all), Gives(0));
  EXPECT_THAT(a.Do(all), Gives(0));
}

CLAUSE(Mapping, NoRightIsSegv, "mmap(2)", "Pages with PROT_NONE cannot be accessed: SIGSEGV") {
  MapAnonymous(a, dialect().page_size, PROT_NONE);
  EXPECT_THAT(a.Do(Load{.address = kHere}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Store{.address = kHere, .data = "x"}), Gives(SIGSEGV));
}

CLAUSE(Mapping, StoreToReadOnlyIsSegv, "mmap(2)",
       "A store in a mapping without PROT_WRITE raises SIGSEGV and changes nothing") {
  for (int64_t type : {MAP_SHARED, MAP_PRIVATE}) {
    MapAnonymous(a, dialect().page_size, PROT_READ, type);
    EXPECT_THAT(a.Do(Store{.address = kHere, .data = "x"}), Gives(SIGSEGV));
    EXPECT_THAT(a.Do(Load{.address = kHere}), Gives(0, std::string(1, '\0')));
  }
}

CLAUSE(
    Mapping, ProtectionTaken, "mprotect(2)",
    "Mprotect takes the right to write, then all rights; the contents stay for when it is back") {
  const int64_t page = dialect().page_size;
  MapAnonymous(a, page);
  a.Must(Store{.address = kHere, .data = "kept"});
  EXPECT_THAT(a.Do(Mprotect{.address = kHere, .length = page, .prot = PROT_READ}), Gives(0));
  EXPECT_THAT(a.Do(Store{.address = kHere, .data = "lost"}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Load{.address = kHere, .size = 4}), Gives(0, "kept"));
  EXPECT_THAT(a.Do(Mprotect{.address = kHere, .length = page, .prot = PROT_NONE}), Gives(0));
  EXPECT_THAT(a.Do(Load{.address = kHere}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Mprotect{.address = kHere, .length = page, .prot = kReadWrite}), Gives(0));
  EXPECT_THAT(a.Do(Store{.address = kHere, .data = "K"}), Gives(0));
  EXPECT_THAT(a.Do(Load{.address = kHere, .size = 4}), Gives(0, "Kept"));
}

CLAUSE(Mapping, ProtectionOfOnePage, "mprotect(2)",
       "Protection belongs to pages: those beside the range keep theirs") {
  const int64_t page = dialect().page_size;
  MapAnonymous(a, 3 * page);
  a.Must(Mprotect{.address = kHere, .length = 1, .prot = PROT_READ, .offset = page});
  EXPECT_THAT(a.Do(Store{.address = kHere, .offset = page - 1, .data = "1"}), Gives(0));
  EXPECT_THAT(a.Do(Store{.address = kHere, .offset = page, .data = "2"}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Store{.address = kHere, .offset = 2 * page - 1, .data = "2"}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Store{.address = kHere, .offset = 2 * page, .data = "3"}), Gives(0));
}

CLAUSE(Mapping, ProtectionIsInheritedAndOnesOwn, "mprotect(2)",
       "A child inherits the protection of pages; what either changes then concerns it alone") {
  const int64_t page = dialect().page_size;
  MapAnonymous(a, page, PROT_READ);
  TaskHandle b = a.Fork();
  EXPECT_THAT(b.Do(Store{.address = kHere, .data = "x"}), Gives(SIGSEGV));
  EXPECT_THAT(b.Do(Mprotect{.address = kHere, .length = page, .prot = kReadWrite}), Gives(0));
  EXPECT_THAT(b.Do(Store{.address = kHere, .data = "x"}), Gives(0));
  EXPECT_THAT(a.Do(Store{.address = kHere, .data = "y"}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Load{.address = kHere}), Gives(0, "x"));
}

CLAUSE(Mapping, ProtectingNoBytes, "mprotect(2)",
       "Mprotect of no bytes succeeds and changes nothing") {
  MapAnonymous(a, dialect().page_size);
  EXPECT_THAT(a.Do(Mprotect{.address = kHere, .length = 0, .prot = PROT_NONE}), Gives(0));
  EXPECT_THAT(a.Do(Load{.address = kHere}), Gives(0));
}

CLAUSE(Mapping, ReadOnlyMappingSharesToo, "mmap(2)",
       "A mapping that may only be read shows what others store in theirs") {
  const Fd f = MapFile(a, 8, dialect().page_size);
  TaskHandle b = a.Fork();
  b.Must(Mmap{.address = kHere,
              .length = dialect().page_size,
              .prot = PROT_READ,
              .flags = MAP_SHARED | MAP_FIXED,
              .fd = f});
  a.Must(Store{.address = kHere, .data = "new"});
  EXPECT_THAT(b.Do(Load{.address = kHere, .size = 4}), Gives(0, "newf"));
  EXPECT_THAT(b.Do(Store{.address = kHere, .data = "x"}), Gives(SIGSEGV));
}

CLAUSE(Mapping, BeyondTheFileIsBus, "mmap(2)",
       "Pages of a mapping that lie wholly behind the end of the file raise SIGBUS") {
  const int64_t page = dialect().page_size;
  MapFile(a, page + 1, 3 * page);
  EXPECT_THAT(a.Do(Load{.address = kHere, .offset = 2 * page - 1}), Gives(0));
  EXPECT_THAT(a.Do(Load{.address = kHere, .offset = 2 * page}), Gives(SIGBUS));
  EXPECT_THAT(a.Do(Store{.address = kHere, .offset = 2 * page, .data = "x"}), Gives(SIGBUS));
}

CLAUSE(Mapping, BeyondTheFileIsBusWhenPrivate, "mmap(2)",
       "A private mapping has no memory of its own behind the end of the file: SIGBUS") {
  const int64_t page = dialect().page_size;
  MapFile(a, page, 2 * page, MAP_PRIVATE);
  EXPECT_THAT(a.Do(Store{.address = kHere, .offset = page - 1, .data = "x"}), Gives(0));
  EXPECT_THAT(a.Do(Store{.address = kHere, .offset = page, .data = "x"}), Gives(SIGBUS));
  EXPECT_THAT(a.Do(Load{.address = kHere, .offset = page}), Gives(SIGBUS));
}

CLAUSE(Mapping, EmptyFileIsBus, "mmap(2)",
       "An empty file can be mapped, but not a byte of it loaded") {
  MapFile(a, 0, dialect().page_size);
  EXPECT_THAT(a.Do(Load{.address = kHere}), Gives(SIGBUS));
  EXPECT_THAT(a.Do(Store{.address = kHere, .data = "x"}), Gives(SIGBUS));
}

CLAUSE(Mapping, ShrinkingIsBus, "ftruncate(2)",
       "Mapped pages that a shorter size cuts off raise SIGBUS, for whoever has them mapped") {
  const int64_t page = dialect().page_size;
  const Fd f = MapFile(a, 2 * page, 2 * page);
  TaskHandle b = a.Fork();
  EXPECT_THAT(b.Do(Load{.address = kHere, .offset = page}), Gives(0, "f"));
  a.Must(Ftruncate{.fd = f, .length = page});
  for (TaskHandle t : {a, b}) {
    EXPECT_THAT(t.Do(Load{.address = kHere, .offset = page}), Gives(SIGBUS));
    EXPECT_THAT(t.Do(Load{.address = kHere, .offset = page - 1}), Gives(0, "f"));
  }
}

CLAUSE(Mapping, ShrinkingTakesPrivatePages, "ftruncate(2)",
       "A shorter size discards private copies of the pages it cuts off as well: SIGBUS") {
  const int64_t page = dialect().page_size;
  const Fd f = MapFile(a, 2 * page, 2 * page, MAP_PRIVATE);
  a.Must(Store{.address = kHere, .data = "own"});
  a.Must(Store{.address = kHere, .offset = page, .data = "own"});
  a.Must(Ftruncate{.fd = f, .length = 1});
  EXPECT_THAT(a.Do(Load{.address = kHere, .offset = page}), Gives(SIGBUS));
  EXPECT_THAT(a.Do(Load{.address = kHere, .size = 3}), Gives(0, "own"));
}

CLAUSE(Mapping, EmptyingIsBus, "open(2)",
       "When a file is opened with O_TRUNC, its mappings have no bytes any more") {
  MapFile(a, 8, dialect().page_size);
  TaskHandle b = a.Fork();
  b.Must(Open{.path = "f", .flags = O_RDWR | O_TRUNC});
  EXPECT_THAT(a.Do(Load{.address = kHere}), Gives(SIGBUS));
}

CLAUSE(Mapping, LostPagesComeBackAsZero, "ftruncate(2)",
       "What a shorter size cut off is zero, in file and new mappings, when the file grows again") {
  const int64_t page = dialect().page_size;
  const Fd f = MapFile(a, 2 * page, 2 * page);
  a.Must(Ftruncate{.fd = f, .length = page});
  a.Must(Ftruncate{.fd = f, .length = 2 * page});
  const Address p =
      a.Must(Mmap{.length = 2 * page, .prot = PROT_READ, .flags = MAP_SHARED, .fd = f});
  EXPECT_THAT(a.Do(Load{.address = p, .offset = page - 1, .size = 3}),
              Gives(0, std::string("f\0\0", 3)));
}

CLAUSE(Mapping, LoadAcrossTheEnd, "mmap(2)",
       "A load that runs over the end of a mapping faults, and so does a store") {
  const int64_t page = dialect().page_size;
  MapAnonymous(a, page);
  EXPECT_THAT(a.Do(Load{.address = kHere, .offset = page - 2, .size = 4}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Store{.address = kHere, .offset = page - 2, .data = "1234"}), Gives(SIGSEGV));
}

CLAUSE(Mapping, FaultsOfOneTaskAreItsOwn, "mmap(2)",
       "A task that faults at an address disturbs no other task that has memory there") {
  TaskHandle b = a.Fork();
  MapAnonymous(a, dialect().page_size);
  a.Must(Store{.address = kHere, .data = "mine"});
  EXPECT_THAT(b.Do(Store{.address = kHere, .data = "x"}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Load{.address = kHere, .size = 4}), Gives(0, "mine"));
}

}  // namespace
}  // namespace ipcspec
