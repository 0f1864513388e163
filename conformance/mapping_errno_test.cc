// Clauses of where mappings go, and of calls that are refused: mmap(2), munmap(2), mprotect(2),
// msync(2). Documented errors that no clause provokes stand at the end.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include <string>

#include "conformance/clause.h"
#include "conformance/mapping_helpers.h"

namespace ipcspec {
namespace {

CLAUSE(Mapping, PlacesDoNotOverlap, "mmap(2)",
       "Where the kernel chooses the address, it takes one where nothing is mapped") {
  const int64_t page = dialect().page_size;
  const Mmap map{.length = 2 * page, .prot = kReadWrite, .flags = kAnonymous};
  const Address p = a.Must(map), q = a.Must(map);
  EXPECT_EQ(p.value % page, 0);
  EXPECT_EQ(q.value % page, 0);
  EXPECT_TRUE(p.value + 2 * page <= q.value || q.value + 2 * page <= p.value);
}

CLAUSE(Mapping, HintReplacesNothing, "mmap(2)",
       "Without MAP_FIXED the address is a hint: where something is mapped, another is taken") {
  const int64_t page = dialect().page_size;
  Mmap map{.address = kHere, .length = page, .prot = kReadWrite, .flags = kAnonymous | MAP_FIXED};
  a.Must(map);
  a.Must(Store{.address = kHere, .data = "old"});
  map.flags = kAnonymous;
  const Address p = a.Must(map);
  EXPECT_NE(p.value, kHere.value);
  a.Must(Store{.address = p, .data = "new"});
  EXPECT_THAT(a.Do(Load{.address = kHere, .size = 3}), Gives(0, "old"));
}

CLAUSE(Mapping, FixedIsExact, "mmap(2)", "With MAP_FIXED the mapping is at the address, exactly") {
  const int64_t at = kHere.value + 7 * dialect().page_size;
  EXPECT_THAT(a.Do(Mmap{.address = at, .prot = kReadWrite, .flags = kAnonymous | MAP_FIXED}),
              Gives(at));
}

CLAUSE(Mapping, FixedReplaces, "mmap(2)",
       "MAP_FIXED discards what was mapped in its pages, and leaves the pages beside them") {
  const int64_t page = dialect().page_size;
  const Fd f = MakeFile(a, "f", std::string(3 * page, 'f'));
  a.Must(Mmap{.address = kHere,
              .length = 3 * page,
              .prot = kReadWrite,
              .flags = MAP_SHARED | MAP_FIXED,
              .fd = f});
  a.Must(Mmap{.address = kHere.value + page,
              .length = page,
              .prot = kReadWrite,
              .flags = kAnonymous | MAP_FIXED});
  EXPECT_THAT(a.Do(Load{.address = kHere, .offset = page - 1, .size = 2}),
              Gives(0, std::string("f\0", 2)));
  EXPECT_THAT(a.Do(Load{.address = kHere, .offset = 2 * page - 1, .size = 2}),
              Gives(0, std::string("\0f", 2)));
  a.Must(Store{.address = kHere, .offset = page, .data = "x"});
  a.Must(Lseek{.fd = f, .offset = page});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 1}), Gives(1, "f"));
}

CLAUSE(Mapping, NoReplaceRefuses, "mmap(2)",
       "MAP_FIXED_NOREPLACE fails with EEXIST where a page is mapped, which stays as it was") {
  Requires(dialect().Since(4, 17), "MAP_FIXED_NOREPLACE came with Linux 4.17");
  const int64_t page = dialect().page_size;
  Mmap map{.address = kHere.value + page,
           .length = page,
           .prot = kReadWrite,
           .flags = kAnonymous | MAP_FIXED_NOREPLACE};
  EXPECT_THAT(a.Do(map), Gives(kHere.value + page));
  a.Must(Store{.address = kHere, .offset = page, .data = "old"});
  EXPECT_THAT(a.Do(map), FailsWith(EEXIST));
  map.address = kHere, map.length = 2 * page;
  EXPECT_THAT(a.Do(map), FailsWith(EEXIST));
  EXPECT_THAT(a.Do(Load{.address = kHere}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Load{.address = kHere, .offset = page, .size = 3}), Gives(0, "old"));
}
PROVOKES(Mapping, NoReplaceRefuses, "mmap.2", "mmap", "EEXIST", "MAP_FIXED_NOREPLACE overlaps");

CLAUSE(Mapping, ZeroLength, "mmap(2)", "A mapping of no bytes is refused with EINVAL") {
  const Fd f = MakeFile(a, "f", "x");
  EXPECT_THAT(a.Do(Mmap{.length = 0, .prot = PROT_READ, .flags = kAnonymous}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Mmap{.length = 0, .prot = PROT_READ, .flags = MAP_PRIVATE, .fd = f}),
              FailsWith(EINVAL));
}
PROVOKES(Mapping, ZeroLength, "mmap.2", "mmap", "EINVAL", "zero length");

CLAUSE(Mapping, SharingTypeIsNeeded, "mmap(2)",
       "Flags must say whether the mapping is shared or private: else EINVAL") {
  const Fd f = MakeFile(a, "f", "x");
  EXPECT_THAT(a.Do(Mmap{.prot = PROT_READ, .flags = MAP_ANONYMOUS}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Mmap{.prot = PROT_READ, .flags = 0, .fd = f}), FailsWith(EINVAL));
}
PROVOKES(Mapping, SharingTypeIsNeeded, "mmap.2", "mmap", "EINVAL", "no sharing type in flags");

CLAUSE(Mapping, OffsetOfWholePages, "mmap(2)",
       "The offset in the file must be a multiple of the page size: else EINVAL") {
  const Fd f = MakeFile(a, "f", "x");
  for (int64_t offset : {int64_t{1}, dialect().page_size / 2, dialect().page_size + 1}) {
    EXPECT_THAT(a.Do(Mmap{.prot = PROT_READ, .flags = MAP_SHARED, .fd = f, .offset = offset}),
                FailsWith(EINVAL));
  }
}
PROVOKES(Mapping, OffsetOfWholePages, "mmap.2", "mmap", "EINVAL", "bad addr/length/offset");

CLAUSE(Mapping, FixedAddressOfWholePages, "mmap(2)",
       "With MAP_FIXED the address must be a multiple of the page size; as a hint it need not") {
  const int64_t odd = kHere.value + 100;
  EXPECT_THAT(a.Do(Mmap{.address = odd, .prot = PROT_READ, .flags = kAnonymous | MAP_FIXED}),
              FailsWith(EINVAL));
  const int64_t at = a.Must(Mmap{.address = odd, .prot = PROT_READ, .flags = kAnonymous});
  EXPECT_EQ(at % dialect().page_size, 0);
}

CLAUSE(Mapping, LongerThanAllAddresses, "mmap(2)",
       "A mapping that no address space can hold is refused, and nothing is mapped") {
  const Outcome outcome = a.Do(
      Mmap{.length = int64_t{1} << 62, .prot = PROT_READ, .flags = MAP_PRIVATE | MAP_ANONYMOUS});
  EXPECT_THAT(outcome, FailsWith(ENOMEM));
}
PROVOKES(Mapping, LongerThanAllAddresses, "mmap.2", "mmap", "ENOMEM", "no memory");

CLAUSE(Mapping, BadDescriptor, "mmap(2)",
       "Without MAP_ANONYMOUS the descriptor must be open: else EBADF") {
  const Fd f = MakeFile(a, "f", "x");
  a.Must(Close{.fd = f});
  for (const Fd& fd : {f, Fd(-1), Fd(500)}) {
    EXPECT_THAT(a.Do(Mmap{.prot = PROT_READ, .flags = MAP_SHARED, .fd = fd}), FailsWith(EBADF));
  }
}
PROVOKES(Mapping, BadDescriptor, "mmap.2", "mmap", "EBADF", "bad fd without MAP_ANONYMOUS");

CLAUSE(Mapping, PipesHaveNoMemory, "mmap(2)",
       "A pipe cannot be mapped: ENODEV; where it is not open for reading, EACCES may be said") {
  const PipeEnds p = a.Pipe();
  EXPECT_THAT(a.Do(Mmap{.prot = PROT_READ, .flags = MAP_SHARED, .fd = p.read}),
              testing::AnyOf(FailsWith(ENODEV), FailsWith(EACCES)));
  EXPECT_THAT(a.Do(Mmap{.prot = PROT_READ, .flags = MAP_PRIVATE, .fd = p.write}),
              testing::AnyOf(FailsWith(ENODEV), FailsWith(EACCES)));
}

CLAUSE(Mapping, DirectoriesHaveNoMemory, "mmap(2)",
       "The file system of a directory does not let it be mapped: ENODEV") {
  a.Must(Mkdir{.path = "d"});
  const Fd d = a.Must(Open{.path = "d", .flags = O_RDONLY | O_DIRECTORY});
  EXPECT_THAT(a.Do(Mmap{.prot = PROT_READ, .flags = MAP_PRIVATE, .fd = d}), FailsWith(ENODEV));
}
PROVOKES(Mapping, DirectoriesHaveNoMemory, "mmap.2", "mmap", "ENODEV", "fs has no mmap");

CLAUSE(Mapping, DescriptorMustRead, "mmap(2)",
       "A descriptor that is not open for reading cannot be mapped, whatever for: EACCES") {
  MakeFile(a, "f", "x");
  const Fd w = a.Must(Open{.path = "f", .flags = O_WRONLY});
  for (int64_t type : {MAP_SHARED, MAP_PRIVATE}) {
    EXPECT_THAT(a.Do(Mmap{.prot = PROT_READ, .flags = type, .fd = w}), FailsWith(EACCES));
    EXPECT_THAT(a.Do(Mmap{.prot = PROT_WRITE, .flags = type, .fd = w}), FailsWith(EACCES));
  }
}

CLAUSE(Mapping, SharedWritingNeedsAWritableDescriptor, "mmap(2)",
       "Shared and writable memory needs a descriptor open for both; private memory does not") {
  MakeFile(a, "f", "file");
  const Fd r = a.Must(Open{.path = "f", .flags = O_RDONLY});
  EXPECT_THAT(a.Do(Mmap{.prot = kReadWrite, .flags = MAP_SHARED, .fd = r}), FailsWith(EACCES));
  EXPECT_THAT(a.Do(Mmap{.prot = PROT_WRITE, .flags = MAP_SHARED, .fd = r}), FailsWith(EACCES));
  const Address p = a.Must(Mmap{.prot = kReadWrite, .flags = MAP_PRIVATE, .fd = r});
  EXPECT_THAT(a.Do(Store{.address = p, .data = "mine"}), Gives(0));
  EXPECT_THAT(a.Do(Read{.fd = r, .count = 9}), Gives(4, "file"));
}
PROVOKES(Mapping, SharedWritingNeedsAWritableDescriptor, "mmap.2", "mmap", "EACCES",
         "non-regular fd, fd not readable, MAP_SHARED+PROT_WRITE without O_RDWR, append-only");

CLAUSE(Mapping, TooMuchLockedMemory, "mmap(2)",
       "MAP_LOCKED beyond what the task may lock fails with EAGAIN, unless it is privileged") {
  RequiresOtherUsers();
  const int64_t limit = dialect().max_locked;
  Requires(limit > 0 && limit < int64_t{1} << 40, "locked memory has no limit here");
  TaskHandle b = a.Fork();
  b.Must(SetCredentials{.uid = 1000, .gid = 1000});
  const int64_t page = dialect().page_size;
  EXPECT_THAT(b.Do(Mmap{.length = limit / page * page + page,
                        .prot = PROT_READ,
                        .flags = kAnonymous | MAP_LOCKED}),
              FailsWith(EAGAIN));
}
PROVOKES(Mapping, TooMuchLockedMemory, "mmap.2", "mmap", "EAGAIN",
         "file locked or too much locked memory");

CLAUSE(Mapping, UnmapWholePagesOnly, "munmap(2)",
       "Munmap refuses an address within a page, and no bytes at all, with EINVAL") {
  a.Must(Mmap{.address = kHere, .prot = PROT_READ, .flags = kAnonymous | MAP_FIXED});
  EXPECT_THAT(a.Do(Munmap{.address = kHere, .offset = 1}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Munmap{.address = kHere, .length = 0}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Load{.address = kHere}), Gives(0));
}
PROVOKES(Mapping, UnmapWholePagesOnly, "mmap.2", "munmap", "EINVAL",
         "unaligned address / bad length");

CLAUSE(Mapping, ProtectionNeedsTheDescriptorsRights, "mprotect(2)",
       "A shared mapping of a descriptor without writing cannot be made writable: EACCES") {
  MakeFile(a, "f", "file");
  const Fd r = a.Must(Open{.path = "f", .flags = O_RDONLY});
  const Address p = a.Must(Mmap{.prot = PROT_READ, .flags = MAP_SHARED, .fd = r});
  EXPECT_THAT(a.Do(Mprotect{.address = p, .prot = kReadWrite}), FailsWith(EACCES));
  EXPECT_THAT(a.Do(Store{.address = p, .data = "x"}), Gives(SIGSEGV));
  const Address q = a.Must(Mmap{.prot = PROT_READ, .flags = MAP_PRIVATE, .fd = r});
  EXPECT_THAT(a.Do(Mprotect{.address = q, .prot = kReadWrite}), Gives(0));
}

CLAUSE(Mapping, ProtectionRefusals, "mprotect(2)",
       "Mprotect refuses an address within a page (EINVAL), and pages not mapped (ENOMEM)") {
  const int64_t page = dialect().page_size;
  a.Must(Mmap{.address = kHere, .prot = PROT_READ, .flags = kAnonymous | MAP_FIXED});
  EXPECT_THAT(a.Do(Mprotect{.address = kHere, .prot = PROT_NONE, .offset = 8}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Mprotect{.address = kHere, .length = page, .prot = PROT_READ, .offset = page}),
              FailsWith(ENOMEM));
  EXPECT_THAT(a.Do(Mprotect{.address = kHere, .length = 2 * page, .prot = PROT_READ}),
              FailsWith(ENOMEM));
  EXPECT_THAT(a.Do(Load{.address = kHere}), Gives(0));
}

CLAUSE(Mapping, MsyncFlags, "msync(2)",
       "Msync refuses unknown flags, both ways at once, and an address within a page: EINVAL") {
  const int64_t page = dialect().page_size;
  const Fd f = MakeFile(a, "f", "x");
  const Address p = a.Must(Mmap{.prot = PROT_READ, .flags = MAP_SHARED, .fd = f});
  EXPECT_THAT(a.Do(Msync{.address = p, .length = page, .flags = MS_SYNC | MS_ASYNC}),
              FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Msync{.address = p, .length = page, .flags = MS_SYNC | 0x100}),
              FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Msync{.address = p, .length = 1, .flags = MS_SYNC, .offset = 1}),
              FailsWith(EINVAL));
}
PROVOKES(Mapping, MsyncFlags, "msync.2", "msync", "EINVAL",
         "unaligned address, unknown flag, or SYNC with ASYNC");

CLAUSE(Mapping, MsyncOfAHole, "msync(2)",
       "Msync fails with ENOMEM when a page of its range is not mapped") {
  const int64_t page = dialect().page_size;
  a.Must(Mmap{
      .address = kHere, .length = 3 * page, .prot = kReadWrite, .flags = kAnonymous | MAP_FIXED});
  EXPECT_THAT(a.Do(Msync{.address = kHere, .length = 3 * page, .flags = MS_SYNC}), Gives(0));
  a.Must(Munmap{.address = kHere, .length = page, .offset = page});
  EXPECT_THAT(a.Do(Msync{.address = kHere, .length = 3 * page, .flags = MS_SYNC}),
              FailsWith(ENOMEM));
  EXPECT_THAT(a.Do(Msync{.address = kHere, .length = page, .flags = MS_SYNC}), Gives(0));
}
PROVOKES(Mapping, MsyncOfAHole, "msync.2", "msync", "ENOMEM", "range not fully mapped");

CLAUSE(Mapping, MsyncOfLockedMemory, "msync(2)",
       "MS_INVALIDATE of memory that is locked fails with EBUSY; a child's copy is not locked") {
  const int64_t page = dialect().page_size;
  Requires(dialect().max_locked >= page, "no page may be locked here");
  a.Must(Mmap{.address = kHere,
              .length = page,
              .prot = kReadWrite,
              .flags = kAnonymous | MAP_FIXED | MAP_LOCKED});
  const Msync sync{.address = kHere, .length = page, .flags = MS_SYNC | MS_INVALIDATE};
  EXPECT_THAT(a.Do(sync), FailsWith(EBUSY));
  EXPECT_THAT(a.Do(Msync{.address = kHere, .length = page, .flags = MS_SYNC}), Gives(0));
  EXPECT_THAT(a.Fork().Do(sync), Gives(0));
}
PROVOKES(Mapping, MsyncOfLockedMemory, "msync.2", "msync", "EBUSY",
         "MS_INVALIDATE over locked range");

EXCUSED("mmap.2", "mmap", "ENFILE", "system file limit",
        "Needs every open file that the whole machine can have, other programs' too");
EXCUSED("mmap.2", "mmap", "ENOMEM", "too many mappings",
        "The limit is the machine's (vm.max_map_count, 65530 or far more), not the run's to set");
EXCUSED("mmap.2", "mmap", "ENOMEM", "RLIMIT_DATA exceeded",
        "The limit would bind the agent that makes the calls: its own memory counts too");
EXCUSED("mmap.2", "mmap", "EOVERFLOW", "32-bit page-offset overflow",
        "Only programs of 32 bits have offsets in pages that overflow");
EXCUSED("mmap.2", "mmap", "EPERM", "PROT_EXEC on noexec mount",
        "File systems that a program mounts here have no options but a number of inodes");
EXCUSED("mmap.2", "mmap", "EPERM", "file seal forbids",
        "Seals are of memfd_create(2), which is no means of IPC between unrelated tasks");
EXCUSED("mmap.2", "mmap", "EPERM", "MAP_HUGETLB unprivileged",
        "Whether huge pages are configured and who may have them is the machine's setting");
EXCUSED("mmap.2", "mmap", "ETXTBSY", "MAP_DENYWRITE on file open for writing",
        "Linux ignores MAP_DENYWRITE, and mmap(2) says so");
EXCUSED("mmap.2", "munmap", "ENOMEM", "splitting would exceed map count",
        "The limit is the machine's (vm.max_map_count, 65530 or far more), not the run's to set");

}  // namespace
}  // namespace ipcspec
