// Clauses of mappings at the edges: addresses and lengths that there are not, memory that is not
// the program's, sizes and rights that a machine may or may not give: mmap(2), mprotect(2),
// msync(2), munmap(2), ftruncate(2), lseek(2).
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include <string>

#include "conformance/clause.h"
#include "conformance/mapping_helpers.h"

namespace ipcspec {
namespace {

CLAUSE(Mapping, FixedBeyondAllAddresses, "mmap(2)",
       "MAP_FIXED at an address that no program can have is refused") {
  const int64_t page = dialect().page_size;
  for (const int64_t at : {int64_t{1} << 57, -page}) {
    EXPECT_THAT(a.Do(Mmap{.address = at, .prot = PROT_READ, .flags = kAnonymous | MAP_FIXED}).error,
                testing::AnyOf(ENOMEM, EINVAL));
  }
}

CLAUSE(Mapping, FixedNearZero, "mmap(2)",
       "The lowest addresses may be kept from programs: EPERM, or the mapping is there") {
  const int64_t page = dialect().page_size;
  const Mmap low{.address = page, .prot = kReadWrite, .flags = kAnonymous | MAP_FIXED};
  const auto mapped_or_refused =
      testing::AnyOf(Gives(page), FailsWith(EPERM), FailsWith(EACCES), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(low), mapped_or_refused);
  if (!MachineUnderTest().other_users) return;
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  b.Must(Munmap{.address = page});
  EXPECT_THAT(b.Do(low), mapped_or_refused);
}

CLAUSE(Mapping, FixedAcrossTheEdge, "mmap(2)",
       "A fixed mapping may end beyond the addresses that the suite keeps free") {
  const int64_t page = dialect().page_size;
  const Address edge = kLastAddress - page;
  EXPECT_THAT(a.Do(Mmap{.address = edge,
                        .length = 2 * page,
                        .prot = kReadWrite,
                        .flags = kAnonymous | MAP_FIXED}),
              Gives(edge.value));
  EXPECT_THAT(a.Do(Store{.address = edge, .offset = page - 2, .data = "data"}), Gives(0));
  EXPECT_THAT(a.Do(Load{.address = edge, .offset = page - 2, .size = 4}), Gives(0, "data"));
}

CLAUSE(Mapping, NoReplaceSparesTheProgram, "mmap(2)",
       "MAP_FIXED_NOREPLACE where a program's own image may lie maps nothing over it") {
  const int64_t at = 0x400000;
  EXPECT_THAT(
      a.Do(Mmap{.address = at, .prot = PROT_READ, .flags = kAnonymous | MAP_FIXED_NOREPLACE}),
      testing::AnyOf(Gives(at), FailsWith(EEXIST)));
}

CLAUSE(Mapping, LengthsThatThereAreNot, "mmap(2)",
       "Lengths and offsets beyond all numbers of bytes are refused") {
  const int64_t page = dialect().page_size;
  const Fd f = MakeFile(a, "f", "file");
  EXPECT_NE(a.Do(Mmap{.length = -page, .prot = PROT_READ, .flags = kAnonymous}).error, 0);
  for (const int64_t offset : {-page, INT64_MAX - page + 1}) {
    EXPECT_NE(a.Do(Mmap{.prot = PROT_READ, .flags = MAP_SHARED, .fd = f, .offset = offset}).error,
              0);
  }
  const Address p = a.Must(Mmap{.prot = kReadWrite, .flags = kAnonymous});
  EXPECT_THAT(a.Do(Munmap{.address = p, .length = -page}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Munmap{.address = -page, .length = page}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Munmap{.address = kHere, .length = int64_t{1} << 60}), FailsWith(EINVAL));
  for (const int64_t length : {-page, int64_t{1} << 60}) {
    EXPECT_THAT(a.Do(Mprotect{.address = p, .length = length, .prot = PROT_READ}),
                FailsWith(ENOMEM));
    EXPECT_THAT(a.Do(Msync{.address = p, .length = length, .flags = MS_SYNC}), FailsWith(ENOMEM));
  }
  for (const int64_t at : {-page, int64_t{1} << 57}) {
    EXPECT_THAT(a.Do(Mprotect{.address = at, .length = page, .prot = PROT_READ}),
                FailsWith(ENOMEM));
  }
  EXPECT_THAT(a.Do(Load{.address = p, .size = 1}), Gives(0, std::string(1, '\0')));
}

CLAUSE(Mapping, AddressZeroIsSegv, "mmap(2)", "Nothing can be loaded from address 0 or stored") {
  EXPECT_THAT(a.Do(Load{.address = 0, .size = 1}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Store{.address = 0, .data = "x"}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Load{.address = -dialect().page_size, .size = 1}), Gives(SIGSEGV));
}

CLAUSE(Mapping, FirstOfSeveralPagesFaults, "mmap(2)",
       "An access of two pages of which neither is mapped, or the first is not, faults") {
  const int64_t page = dialect().page_size;
  EXPECT_THAT(a.Do(Load{.address = kHere, .offset = page - 1, .size = 2}), Gives(SIGSEGV));
  a.Must(Mmap{.address = kHere.value + page, .prot = kReadWrite, .flags = kAnonymous | MAP_FIXED});
  EXPECT_THAT(a.Do(Load{.address = kHere, .offset = page - 1, .size = 2}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Store{.address = kHere, .offset = page - 1, .data = "ab"}), Gives(SIGSEGV));
}

CLAUSE(Mapping, HugePagesOrNone, "mmap(2)",
       "MAP_HUGETLB gives huge pages, or is refused where there are none") {
  const int64_t length = 2 << 20;
  const Outcome outcome = a.Do(Mmap{
      .length = length, .prot = PROT_READ, .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB});
  if (outcome.ok()) {
    EXPECT_EQ(outcome.ret % length, 0);
  }
}

CLAUSE(Mapping, LockedMemoryAddsUp, "mlock(2)",
       "What is locked already counts against the limit on locked memory; the rest does not") {
  RequiresOtherUsers();
  const int64_t page = dialect().page_size;
  const int64_t limit = dialect().max_locked / page * page;
  Requires(limit > page && limit < int64_t{1} << 40, "locked memory has no limit here, or no room");
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  b.Must(Mmap{.prot = PROT_READ, .flags = kAnonymous});
  EXPECT_EQ(b.Do(Mmap{.prot = PROT_READ, .flags = kAnonymous | MAP_LOCKED}).error, 0);
  EXPECT_THAT(b.Do(Mmap{.length = limit, .prot = PROT_READ, .flags = kAnonymous | MAP_LOCKED}),
              FailsWith(EAGAIN));
}

CLAUSE(Mapping, ValidatedFlags, "mmap(2)",
       "MAP_SHARED_VALIDATE refuses with EOPNOTSUPP what the file cannot do, and is for files") {
  const Fd f = MakeFile(a, "f", "file");
  EXPECT_THAT(a.Do(Mmap{.prot = kReadWrite, .flags = MAP_SHARED_VALIDATE | MAP_SYNC, .fd = f}),
              FailsWith(EOPNOTSUPP));
  EXPECT_EQ(a.Do(Mmap{.prot = kReadWrite, .flags = MAP_SHARED_VALIDATE, .fd = f}).error, 0);
  EXPECT_THAT(a.Do(Mmap{.prot = kReadWrite, .flags = MAP_SHARED_VALIDATE | MAP_ANONYMOUS}).error,
              testing::AnyOf(0, EINVAL));
}

CLAUSE(Mapping, MsyncBesideLockedMemory, "msync(2)",
       "MS_INVALIDATE is refused only for the pages that are locked") {
  const int64_t page = dialect().page_size;
  a.Must(Mmap{.address = kHere, .prot = kReadWrite, .flags = kAnonymous | MAP_FIXED | MAP_LOCKED});
  const Address beside = kHere.value + page;
  a.Must(Mmap{.address = beside, .prot = kReadWrite, .flags = kAnonymous | MAP_FIXED});
  EXPECT_THAT(a.Do(Msync{.address = beside, .flags = MS_SYNC | MS_INVALIDATE}), Gives(0));
  EXPECT_THAT(a.Do(Msync{.address = beside, .flags = 0}),
              testing::AnyOf(Gives(0), FailsWith(EINVAL)));
}

CLAUSE(Mapping, ExecutableFiles, "mmap(2)",
       "A file is mapped for execution, or refused: EPERM of mmap, EACCES of mprotect") {
  const Fd f = MakeFile(a, "f", "file");
  EXPECT_THAT(a.Do(Mmap{.prot = PROT_READ | PROT_EXEC, .flags = MAP_PRIVATE, .fd = f}).error,
              testing::AnyOf(0, EPERM, EACCES));
  const Address p = a.Must(Mmap{.prot = PROT_READ, .flags = MAP_PRIVATE, .fd = f});
  EXPECT_THAT(a.Do(Mprotect{.address = p, .prot = PROT_READ | PROT_EXEC}).error,
              testing::AnyOf(0, EACCES));
  EXPECT_THAT(a.Do(Load{.address = p, .size = 4}), Gives(0, "file"));
}

CLAUSE(Mapping, SemaphoreInAPrivatePage, "mmap(2)",
       "A semaphore made in a private mapping of a file is not in the file, nor any other task's") {
  const Fd f = MakeFile(a, "f", std::string(64, '\0'));
  const Address p = a.Must(Mmap{.prot = kReadWrite, .flags = MAP_PRIVATE, .fd = f});
  a.Must(PsemInit{.address = p, .shared = true, .value = 3});
  TaskHandle b = a.Fork();
  EXPECT_THAT(b.Do(PsemPost{.address = p}), Gives(0));
  EXPECT_THAT(b.Do(PsemGetValue{.address = p}), GivesValues({4}));
  EXPECT_THAT(a.Do(PsemGetValue{.address = p}), GivesValues({3}));
  a.Must(Lseek{.fd = f});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 64}), Gives(64, std::string(64, '\0')));
}

CLAUSE(Mapping, SemaphoreNeedsMemory, "mmap(2)",
       "No semaphore can be made where nothing is mapped, or only to be read") {
  const int64_t page = dialect().page_size;
  EXPECT_NE(a.Do(PsemInit{.address = kHere, .value = 1}).error, 0);
  a.Must(Mmap{.address = kHere, .prot = PROT_READ, .flags = kAnonymous | MAP_FIXED});
  EXPECT_NE(a.Do(PsemInit{.address = kHere, .value = 1}).error, 0);
  a.Must(Mprotect{.address = kHere, .prot = kReadWrite});
  a.Do(PsemInit{.address = kHere, .offset = page - 16, .value = 1});  // across the end: undefined
  EXPECT_THAT(a.Do(PsemInit{.address = kHere, .value = 1}), Gives(0));
}

CLAUSE(Mapping, HugeFile, "lseek(2)",
       "Far behind a file's end there is a hole, or no room: EFBIG, EINVAL or ENOSPC") {
  const Fd f = MakeFile(a, "f", "file");
  const int64_t far = int64_t{1} << 61;
  if (a.Do(Lseek{.fd = f, .offset = far}).ok()) {
    if (a.Do(Write{.fd = f, .data = "far"}).ok()) {
      EXPECT_THAT(a.Do(FileSize{.fd = f}), Gives(far + 3));
    }
  }
  if (a.Do(Lseek{.fd = f, .offset = INT64_MAX}).ok()) {
    EXPECT_THAT(a.Do(Write{.fd = f, .data = "beyond"}).error, testing::AnyOf(EFBIG, EINVAL));
  }
  const Outcome sized = a.Do(Ftruncate{.fd = f, .length = far});
  if (sized.ok()) {
    EXPECT_THAT(a.Do(FileSize{.fd = f}), Gives(far));
  }
  a.Must(Ftruncate{.fd = f, .length = 4});
  a.Must(Lseek{.fd = f});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 9}), Gives(4, "file"));
}

CLAUSE(Mapping, WriteOfNothing, "write(2)", "A write of no bytes leaves a file as it was") {
  const Fd f = MakeFile(a, "f", "file");
  a.Must(Lseek{.fd = f, .offset = 100});
  EXPECT_THAT(a.Do(Write{.fd = f, .data = ""}), Gives(0));
  EXPECT_THAT(a.Do(FileSize{.fd = f}), Gives(4));
}

CLAUSE(Mapping, DirectFile, "open(2)",
       "O_DIRECT may be refused by a file system with EINVAL, and so may what is not aligned") {
  const Outcome opened =
      a.Do(Open{.path = "f", .flags = O_RDWR | O_CREAT | O_DIRECT, .mode = 0600});
  if (!opened.ok()) {
    EXPECT_THAT(opened, FailsWith(EINVAL));
    return;
  }
  const Outcome written = a.Do(Write{.fd = opened.ret, .data = "abc"});
  EXPECT_THAT(written, testing::AnyOf(Gives(3), FailsWith(EINVAL)));
  a.Must(Lseek{.fd = opened.ret});
  EXPECT_THAT(a.Do(Read{.fd = opened.ret, .count = 9}),
              testing::AnyOf(Gives(written.ok() ? 3 : 0), FailsWith(EINVAL)));
}

CLAUSE(Mapping, TruncationForReadingAlone, "open(2)",
       "With O_RDONLY and O_TRUNC a file is emptied, or stays as it was") {
  const Fd f = MakeFile(a, "f", "file");
  a.Must(Open{.path = "f", .flags = O_RDONLY | O_TRUNC});
  EXPECT_THAT(a.Do(FileSize{.fd = f}), testing::AnyOf(Gives(0), Gives(4)));
}

}  // namespace
}  // namespace ipcspec
