// Clauses of shared mappings: who sees which stores, and for how long: mmap(2), fork(2).
// Faults and protection: mapping_fault_test.cc. Places and errors: mapping_errno_test.cc. The files
// behind: mapping_file_test.cc.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include <string>

#include "conformance/clause.h"
#include "conformance/mapping_helpers.h"

namespace ipcspec {
namespace {

// A mapping of `length` bytes without a file.
Address MapAnonymous(TaskHandle& a, int64_t type, int64_t length) {
  return a.Must(Mmap{.length = length, .prot = kReadWrite, .flags = type | MAP_ANONYMOUS});
}

Address MapFile(TaskHandle& a, const Fd& fd, int64_t type, int64_t length, int64_t offset = 0) {
  return a.Must(
      Mmap{.length = length, .prot = kReadWrite, .flags = type, .fd = fd, .offset = offset});
}

CLAUSE(Mapping, AnonymousMemoryIsZero, "mmap(2)",
       "Memory that is mapped without a file is zero at first, shared or private") {
  const int64_t page = dialect().page_size;
  for (int64_t type : {MAP_SHARED, MAP_PRIVATE}) {
    const Address p = MapAnonymous(a, type, 2 * page);
    EXPECT_THAT(a.Do(Load{.address = p, .size = 64}), Gives(0, std::string(64, '\0')));
    EXPECT_THAT(a.Do(Load{.address = p, .offset = 2 * page - 8, .size = 8}),
                Gives(0, std::string(8, '\0')));
  }
}

CLAUSE(Mapping, AnonymousIgnoresTheDescriptor, "mmap(2)",
       "MAP_ANONYMOUS needs no file: the descriptor is not looked at") {
  const Fd f = MakeFile(a, "f", "file");
  const Address p =
      a.Must(Mmap{.prot = kReadWrite, .flags = MAP_SHARED | MAP_ANONYMOUS, .fd = f, .offset = 0});
  EXPECT_THAT(a.Do(Load{.address = p, .size = 4}), Gives(0, std::string(4, '\0')));
  EXPECT_THAT(a.Do(Store{.address = p, .data = "mine"}), Gives(0));
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 9}), Gives(0, ""));
  a.Must(Lseek{.fd = f, .offset = 0});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 9}), Gives(4, "file"));
}

CLAUSE(Mapping, StoredBytesAreLoaded, "mmap(2)",
       "What a task stored in a mapping it loads again, and nothing beside it changes") {
  const Address p = MapAnonymous(a, MAP_PRIVATE, dialect().page_size);
  EXPECT_THAT(a.Do(Store{.address = p, .offset = 100, .data = "hello"}), Gives(0));
  EXPECT_THAT(a.Do(Load{.address = p, .offset = 99, .size = 7}),
              Gives(0, std::string("\0hello\0", 7)));
  EXPECT_THAT(a.Do(Store{.address = p, .offset = 102, .data = std::string(2, '\0')}), Gives(0));
  EXPECT_THAT(a.Do(Load{.address = p, .offset = 100, .size = 5}),
              Gives(0, std::string("he\0\0o", 5)));
}

CLAUSE(Mapping, SharedAnonymousMemoryIsSharedByFork, "mmap(2)",
       "Shared memory without a file is the same memory for parent and child, both ways") {
  const Address p = MapAnonymous(a, MAP_SHARED, dialect().page_size);
  a.Must(Store{.address = p, .data = "before"});
  TaskHandle b = a.Fork();
  EXPECT_THAT(b.Do(Load{.address = p, .size = 6}), Gives(0, "before"));
  a.Must(Store{.address = p, .data = "parent"});
  EXPECT_THAT(b.Do(Load{.address = p, .size = 6}), Gives(0, "parent"));
  b.Must(Store{.address = p, .data = "child!"});
  EXPECT_THAT(a.Do(Load{.address = p, .size = 6}), Gives(0, "child!"));
}

CLAUSE(Mapping, SharedMemoryIsSharedByTheWholeFamily, "fork(2)",
       "Grandchildren and siblings share what their ancestor mapped") {
  const Address p = MapAnonymous(a, MAP_SHARED, dialect().page_size);
  TaskHandle b = a.Fork(), c = b.Fork(), d = a.Fork();
  c.Must(Store{.address = p, .data = "c"});
  d.Must(Store{.address = p, .offset = 1, .data = "d"});
  for (TaskHandle t : {a, b, c, d}) {
    EXPECT_THAT(t.Do(Load{.address = p, .size = 3}), Gives(0, std::string("cd\0", 3)));
  }
}

CLAUSE(Mapping, SharedMemoryOutlivesItsMaker, "mmap(2)",
       "Shared memory stays for those who inherited it when the task that mapped it is gone") {
  TaskHandle b = a.Fork();
  const Address p = MapAnonymous(b, MAP_SHARED, dialect().page_size);
  TaskHandle c = b.Fork();
  b.Must(Store{.address = p, .data = "legacy"});
  b.Begin(Exit{});
  EXPECT_THAT(c.Do(Load{.address = p, .size = 6}), Gives(0, "legacy"));
}

CLAUSE(Mapping, StoresOfAKilledTaskStay, "mmap(2)",
       "What a task stored in shared memory is there also when it is killed thereafter") {
  const Address p = MapAnonymous(a, MAP_SHARED, dialect().page_size);
  TaskHandle b = a.Fork();
  b.Must(Store{.address = p, .offset = 7, .data = "last words"});
  a.Must(Kill{.target = b.task(), .signal = SIGKILL});
  EXPECT_FALSE(b.alive());
  EXPECT_THAT(a.Do(Load{.address = p, .offset = 7, .size = 10}), Gives(0, "last words"));
}

CLAUSE(Mapping, PrivateMemoryIsCopiedByFork, "fork(2)",
       "After fork, parent and child have private memory with equal contents, each its own") {
  const Address p = MapAnonymous(a, MAP_PRIVATE, dialect().page_size);
  a.Must(Store{.address = p, .data = "common"});
  TaskHandle b = a.Fork();
  a.Must(Store{.address = p, .data = "parent"});
  EXPECT_THAT(b.Do(Load{.address = p, .size = 6}), Gives(0, "common"));
  b.Must(Store{.address = p, .data = "child!"});
  EXPECT_THAT(a.Do(Load{.address = p, .size = 6}), Gives(0, "parent"));
  EXPECT_THAT(b.Do(Load{.address = p, .size = 6}), Gives(0, "child!"));
}

CLAUSE(Mapping, PrivateMemoryOfADeadParentStays, "fork(2)",
       "A child keeps its copy of private memory when the parent is gone, and hands it on") {
  TaskHandle b = a.Fork();
  const Address p = MapAnonymous(b, MAP_PRIVATE, dialect().page_size);
  b.Must(Store{.address = p, .data = "copy"});
  TaskHandle c = b.Fork();
  b.Begin(Exit{});
  TaskHandle d = c.Fork();
  c.Must(Store{.address = p, .data = "C"});
  EXPECT_THAT(d.Do(Load{.address = p, .size = 4}), Gives(0, "copy"));
  EXPECT_THAT(c.Do(Load{.address = p, .size = 4}), Gives(0, "Copy"));
}

CLAUSE(Mapping, MappedAfterForkIsNotShared, "fork(2)",
       "What a task maps after fork is its own affair: the other has nothing there") {
  TaskHandle b = a.Fork();
  a.Must(Mmap{.address = kFirstAddress,
              .prot = kReadWrite,
              .flags = MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED});
  EXPECT_THAT(a.Do(Store{.address = kFirstAddress, .data = "x"}), Gives(0));
  EXPECT_THAT(b.Do(Load{.address = kFirstAddress}), Gives(SIGSEGV));
}

CLAUSE(Mapping, UnmappingIsOnesOwn, "munmap(2)",
       "A child that unmaps shared memory takes nothing from its parent") {
  const Address p = MapAnonymous(a, MAP_SHARED, dialect().page_size);
  TaskHandle b = a.Fork();
  b.Must(Store{.address = p, .data = "gift"});
  EXPECT_THAT(b.Do(Munmap{.address = p, .length = dialect().page_size}), Gives(0));
  EXPECT_THAT(a.Do(Load{.address = p, .size = 4}), Gives(0, "gift"));
}

CLAUSE(Mapping, ShowsTheFile, "mmap(2)", "A mapping of a file holds what the file holds") {
  const Fd f = MakeFile(a, "f", "contents");
  for (int64_t type : {MAP_SHARED, MAP_PRIVATE}) {
    const Address p = MapFile(a, f, type, dialect().page_size);
    EXPECT_THAT(a.Do(Load{.address = p, .size = 8}), Gives(0, "contents"));
  }
}

CLAUSE(Mapping, StoresReachTheFile, "mmap(2)",
       "A store in a shared mapping of a file is read from the file at once") {
  const Fd f = MakeFile(a, "f", "........");
  const Address p = MapFile(a, f, MAP_SHARED, dialect().page_size);
  a.Must(Store{.address = p, .offset = 2, .data = "xyz"});
  a.Must(Lseek{.fd = f, .offset = 0});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 8}), Gives(8, "..xyz..."));
}

CLAUSE(Mapping, WritesShowInTheMapping, "mmap(2)",
       "What is written to the file shows in its shared mappings at once") {
  const Fd f = MakeFile(a, "f", "old data");
  const Address p = MapFile(a, f, MAP_SHARED, dialect().page_size);
  EXPECT_THAT(a.Do(Load{.address = p, .size = 3}), Gives(0, "old"));
  TaskHandle b = a.Fork();
  b.Must(Lseek{.fd = f, .offset = 0});
  b.Must(Write{.fd = f, .data = "new"});
  EXPECT_THAT(a.Do(Load{.address = p, .size = 8}), Gives(0, "new data"));
}

CLAUSE(Mapping, UnrelatedMappingsOfAFile, "mmap(2)",
       "Tasks that open and map a file by themselves share its memory") {
  MakeFile(a, "f", "--------");
  TaskHandle b = a.Fork(), c = a.Fork();
  const Fd fb = b.Must(Open{.path = "f", .flags = O_RDWR});
  const Fd fc = c.Must(Open{.path = "f", .flags = O_RDWR});
  const Address pb = MapFile(b, fb, MAP_SHARED, dialect().page_size);
  const Address pc = MapFile(c, fc, MAP_SHARED, dialect().page_size);
  b.Must(Store{.address = pb, .data = "bb"});
  EXPECT_THAT(c.Do(Load{.address = pc, .size = 4}), Gives(0, "bb--"));
  c.Must(Store{.address = pc, .offset = 2, .data = "cc"});
  EXPECT_THAT(b.Do(Load{.address = pb, .size = 8}), Gives(0, "bbcc----"));
}

CLAUSE(Mapping, OneTaskMapsAFileTwice, "mmap(2)",
       "Two shared mappings of one file in one task are the same memory at two places") {
  const Fd f = MakeFile(a, "f", "12345678");
  const Address p = MapFile(a, f, MAP_SHARED, dialect().page_size);
  const Address q = MapFile(a, f, MAP_SHARED, dialect().page_size);
  EXPECT_NE(p.value, q.value);
  a.Must(Store{.address = p, .data = "A"});
  a.Must(Store{.address = q, .offset = 1, .data = "B"});
  EXPECT_THAT(a.Do(Load{.address = p, .size = 3}), Gives(0, "AB3"));
  EXPECT_THAT(a.Do(Load{.address = q, .size = 3}), Gives(0, "AB3"));
}

CLAUSE(Mapping, OffsetChoosesThePage, "mmap(2)",
       "A mapping shows the file from its offset on, and stores go there") {
  const int64_t page = dialect().page_size;
  const Fd f = MakeFile(a, "f", std::string(page, 'x') + std::string(page, 'y'));
  const Address p = MapFile(a, f, MAP_SHARED, page, page);
  EXPECT_THAT(a.Do(Load{.address = p, .size = 2}), Gives(0, "yy"));
  a.Must(Store{.address = p, .data = "Z"});
  a.Must(Lseek{.fd = f, .offset = page - 1});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 3}), Gives(3, "xZy"));
}

CLAUSE(Mapping, StoreAcrossPages, "mmap(2)",
       "Pages of a mapping lie side by side: a store runs over from one into the next") {
  const int64_t page = dialect().page_size;
  const Fd f = MakeFile(a, "f", std::string(2 * page, '.'));
  const Address p = MapFile(a, f, MAP_SHARED, 2 * page);
  a.Must(Store{.address = p, .offset = page - 3, .data = "abcdef"});
  EXPECT_THAT(a.Do(Load{.address = p, .offset = page - 4, .size = 8}), Gives(0, ".abcdef."));
  a.Must(Lseek{.fd = f, .offset = page - 4});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 8}), Gives(8, ".abcdef."));
}

CLAUSE(Mapping, StoresStayAfterMunmap, "munmap(2)",
       "What was stored in a shared mapping is in the file after the mapping is gone") {
  const Fd f = MakeFile(a, "f", "........");
  const Address p = MapFile(a, f, MAP_SHARED, dialect().page_size);
  a.Must(Store{.address = p, .data = "kept"});
  a.Must(Munmap{.address = p, .length = dialect().page_size});
  const Address q = MapFile(a, f, MAP_SHARED, dialect().page_size);
  EXPECT_THAT(a.Do(Load{.address = q, .size = 8}), Gives(0, "kept...."));
  a.Must(Lseek{.fd = f, .offset = 0});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 4}), Gives(4, "kept"));
}

CLAUSE(Mapping, StoresStayAfterExit, "mmap(2)",
       "What a task stored in a shared mapping of a file is there when it has ended") {
  const Fd f = MakeFile(a, "f", "........");
  TaskHandle b = a.Fork();
  const Address p = MapFile(b, f, MAP_SHARED, dialect().page_size);
  b.Must(Store{.address = p, .offset = 4, .data = "bye"});
  b.Begin(Exit{});
  a.Must(Lseek{.fd = f, .offset = 0});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 8}), Gives(8, "....bye."));
}

CLAUSE(Mapping, OutlivesTheDescriptor, "mmap(2)",
       "Closing the descriptor does not unmap: the memory is still the file's") {
  const Fd f = MakeFile(a, "f", "data");
  const Address p = MapFile(a, f, MAP_SHARED, dialect().page_size);
  a.Must(Close{.fd = f});
  EXPECT_THAT(a.Do(Store{.address = p, .data = "DA"}), Gives(0));
  const Fd g = a.Must(Open{.path = "f", .flags = O_RDONLY});
  EXPECT_THAT(a.Do(Read{.fd = g, .count = 9}), Gives(4, "DAta"));
}

CLAUSE(Mapping, OutlivesTheName, "unlink(2)",
       "A file that is unlinked and closed lives on in its mappings, and tasks still share it") {
  const Fd f = MakeFile(a, "f", "data");
  const Address p = MapFile(a, f, MAP_SHARED, dialect().page_size);
  TaskHandle b = a.Fork();
  a.Must(Unlink{.path = "f"});
  a.Must(Close{.fd = f});
  b.Must(Close{.fd = f});
  b.Must(Store{.address = p, .data = "D"});
  EXPECT_THAT(a.Do(Load{.address = p, .size = 4}), Gives(0, "Data"));
}

CLAUSE(Mapping, ANewFileOfTheNameIsAnother, "unlink(2)",
       "A new file under the name of one that is still mapped has contents of its own") {
  const Fd f = MakeFile(a, "f", "first");
  const Address p = MapFile(a, f, MAP_SHARED, dialect().page_size);
  a.Must(Unlink{.path = "f"});
  a.Must(Close{.fd = f});
  const Fd g = MakeFile(a, "f", "other");
  const Address q = MapFile(a, g, MAP_SHARED, dialect().page_size);
  a.Must(Store{.address = p, .data = "F"});
  EXPECT_THAT(a.Do(Load{.address = q, .size = 5}), Gives(0, "other"));
  EXPECT_THAT(a.Do(Load{.address = p, .size = 5}), Gives(0, "First"));
}

CLAUSE(Mapping, PrivateStoresAreOnesOwn, "mmap(2)",
       "A store in a private mapping is seen by its task alone, and never written to the file") {
  const Fd f = MakeFile(a, "f", "original");
  const Address p = MapFile(a, f, MAP_PRIVATE, dialect().page_size);
  const Address q = MapFile(a, f, MAP_SHARED, dialect().page_size);
  a.Must(Store{.address = p, .data = "changed!"});
  EXPECT_THAT(a.Do(Load{.address = p, .size = 8}), Gives(0, "changed!"));
  EXPECT_THAT(a.Do(Load{.address = q, .size = 8}), Gives(0, "original"));
  a.Must(Munmap{.address = p, .length = dialect().page_size});
  a.Must(Lseek{.fd = f, .offset = 0});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 8}), Gives(8, "original"));
}

CLAUSE(Mapping, PrivateStoreTakesOnePage, "mmap(2)",
       "After a store in one page of a private mapping the others still hold the file") {
  const int64_t page = dialect().page_size;
  const Fd f = MakeFile(a, "f", std::string(3 * page, 'f'));
  const Address p = MapFile(a, f, MAP_PRIVATE, 3 * page);
  a.Must(Store{.address = p, .offset = page, .data = "own"});
  EXPECT_THAT(a.Do(Load{.address = p, .offset = page - 2, .size = 7}), Gives(0, "ffownff"));
  EXPECT_THAT(a.Do(Load{.address = p, .offset = 2 * page - 1, .size = 2}), Gives(0, "ff"));
}

CLAUSE(
    Mapping, PrivateStoreIsKeptFromLaterWrites, "mmap(2)",
    "A page of a private mapping that was stored to is no longer changed by writes to the file") {
  const Fd f = MakeFile(a, "f", "aaaaaaaa");
  const Address p = MapFile(a, f, MAP_PRIVATE, dialect().page_size);
  a.Must(Store{.address = p, .data = "own"});
  a.Must(Lseek{.fd = f, .offset = 0});
  a.Must(Write{.fd = f, .data = "bbbbbbbb"});
  EXPECT_THAT(a.Do(Load{.address = p, .size = 8}), Gives(0, "ownaaaaa"));
}

CLAUSE(Mapping, PrivateFilePagesAreCopiedByFork, "fork(2)",
       "A child inherits its parent's private changes of a file's pages, and makes its own") {
  const Fd f = MakeFile(a, "f", "file....");
  const Address p = MapFile(a, f, MAP_PRIVATE, dialect().page_size);
  a.Must(Store{.address = p, .data = "a"});
  TaskHandle b = a.Fork();
  EXPECT_THAT(b.Do(Load{.address = p, .size = 4}), Gives(0, "aile"));
  b.Must(Store{.address = p, .offset = 1, .data = "b"});
  a.Must(Store{.address = p, .offset = 2, .data = "A"});
  EXPECT_THAT(a.Do(Load{.address = p, .size = 4}), Gives(0, "aiAe"));
  EXPECT_THAT(b.Do(Load{.address = p, .size = 4}), Gives(0, "able"));
  a.Must(Lseek{.fd = f, .offset = 0});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 4}), Gives(4, "file"));
}

CLAUSE(Mapping, ExecDropsMappings, "execve(2)",
       "A task that executes another program has its mappings no more; others keep theirs") {
  const Fd f = MakeFile(a, "f", "data");
  a.Must(
      Mmap{.address = kFirstAddress, .prot = kReadWrite, .flags = MAP_SHARED | MAP_FIXED, .fd = f});
  TaskHandle b = a.Fork();
  b.Must(Store{.address = kFirstAddress, .data = "D"});
  b.Must(Exec{});
  EXPECT_THAT(b.Do(Load{.address = kFirstAddress}), Gives(SIGSEGV));
  EXPECT_THAT(a.Do(Load{.address = kFirstAddress, .size = 4}), Gives(0, "Data"));
}

CLAUSE(Mapping, LengthIsRoundedUp, "mmap(2)",
       "A mapping consists of whole pages: one of a single byte can be used up to the page's end") {
  const int64_t page = dialect().page_size;
  const Address p = MapAnonymous(a, MAP_SHARED, 1);
  EXPECT_THAT(a.Do(Store{.address = p, .offset = page - 1, .data = "z"}), Gives(0));
  EXPECT_THAT(a.Do(Load{.address = p, .offset = page - 1}), Gives(0, "z"));
}

CLAUSE(Mapping, RestOfTheLastPageIsZero, "mmap(2)",
       "Behind the end of a file, the rest of its last page reads as zero in a mapping") {
  const int64_t page = dialect().page_size;
  const Fd f = MakeFile(a, "f", "end");
  const Address p = MapFile(a, f, MAP_SHARED, page);
  EXPECT_THAT(a.Do(Load{.address = p, .size = 6}), Gives(0, std::string("end\0\0\0", 6)));
  EXPECT_THAT(a.Do(Load{.address = p, .offset = page - 1}), Gives(0, std::string(1, '\0')));
}

CLAUSE(Mapping, StoresBehindTheEndAreNotInTheFile, "mmap(2)",
       "What is stored behind the end of the file, in its last page, does not make it longer") {
  const Fd f = MakeFile(a, "f", "end");
  const Address p = MapFile(a, f, MAP_SHARED, dialect().page_size);
  EXPECT_THAT(a.Do(Store{.address = p, .offset = 2, .data = "D???"}), Gives(0));
  EXPECT_THAT(a.Do(FileSize{.fd = f}), Gives(3));
  a.Must(Lseek{.fd = f, .offset = 0});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 10}), Gives(3, "enD"));
}

CLAUSE(Mapping, StoresLeaveTheFileOffset, "mmap(2)",
       "Stores and loads in a mapping do not move the offset of the descriptor") {
  const Fd f = MakeFile(a, "f", "123456");
  a.Must(Lseek{.fd = f, .offset = 2});
  const Address p = MapFile(a, f, MAP_SHARED, dialect().page_size);
  a.Must(Store{.address = p, .data = "abcd"});
  a.Must(Load{.address = p, .size = 6});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 2}), Gives(2, "cd"));
}

CLAUSE(Mapping, SharedValidateIsShared, "mmap(2)",
       "MAP_SHARED_VALIDATE, with flags that are known, maps a file as MAP_SHARED does") {
  Requires(dialect().Since(4, 15), "MAP_SHARED_VALIDATE came with Linux 4.15");
  const Fd f = MakeFile(a, "f", "....");
  const Address p = MapFile(a, f, MAP_SHARED_VALIDATE, dialect().page_size);
  a.Must(Store{.address = p, .data = "ok"});
  a.Must(Lseek{.fd = f, .offset = 0});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 4}), Gives(4, "ok.."));
}

CLAUSE(Mapping, PopulateAndNoReserveChangeNothing, "mmap(2)",
       "MAP_POPULATE and MAP_NORESERVE concern when memory is provided, not what it holds") {
  const Fd f = MakeFile(a, "f", "same");
  for (int64_t flags : {MAP_SHARED | MAP_POPULATE, MAP_PRIVATE | MAP_NORESERVE}) {
    const Address p = MapFile(a, f, flags, dialect().page_size);
    EXPECT_THAT(a.Do(Load{.address = p, .size = 4}), Gives(0, "same"));
    EXPECT_THAT(a.Do(Store{.address = p, .data = "same"}), Gives(0));
  }
}

CLAUSE(Mapping, MsyncKeepsTheContents, "msync(2)",
       "Msync in each of its ways leaves memory and file as the last stores made them") {
  const Fd f = MakeFile(a, "f", "........");
  const Address p = MapFile(a, f, MAP_SHARED, dialect().page_size);
  for (int64_t flags : {MS_SYNC, MS_ASYNC, MS_SYNC | MS_INVALIDATE}) {
    a.Must(Store{.address = p, .offset = flags, .data = "x"});
    EXPECT_THAT(a.Do(Msync{.address = p, .length = dialect().page_size, .flags = flags}), Gives(0));
    EXPECT_THAT(a.Do(Load{.address = p, .offset = flags}), Gives(0, "x"));
  }
  a.Must(Lseek{.fd = f, .offset = 0});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 8}), Gives(8, ".x..x.x."));
}

}  // namespace
}  // namespace ipcspec
