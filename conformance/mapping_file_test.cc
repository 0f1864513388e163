// Clauses of the files behind mappings: contents, offsets, sizes: read(2), write(2), lseek(2),
// ftruncate(2), open(2).
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include <string>

#include "conformance/clause.h"
#include "conformance/mapping_helpers.h"

namespace ipcspec {
namespace {

std::string Contents(TaskHandle& a, const std::string& path) {
  const Fd fd = a.Must(Open{.path = path, .flags = O_RDONLY});
  const std::string data = a.Do(Read{.fd = fd, .count = 1000}).data;
  a.Must(Close{.fd = fd});
  return data;
}

CLAUSE(Mapping, FileOffsetMovesOn, "read(2)",
       "Reads and writes of a file begin where the last one ended") {
  const Fd f = MakeFile(a, "f", "abc");
  EXPECT_THAT(a.Do(Write{.fd = f, .data = "def"}), Gives(3));
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 9}), Gives(0, ""));
  EXPECT_THAT(a.Do(Lseek{.fd = f, .offset = 1}), Gives(1));
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 2}), Gives(2, "bc"));
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 9}), Gives(3, "def"));
}

CLAUSE(Mapping, FileOffsetIsSharedByForkAndDup, "fork(2)",
       "Descriptors that fork or dup made share one offset; one opened anew has its own") {
  const Fd f = MakeFile(a, "f", "abcdef");
  a.Must(Lseek{.fd = f, .offset = 0});
  TaskHandle b = a.Fork();
  const Fd d = b.Must(Dup{.fd = f});
  EXPECT_THAT(b.Do(Read{.fd = d, .count = 2}), Gives(2, "ab"));
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 2}), Gives(2, "cd"));
  EXPECT_THAT(b.Do(Read{.fd = f, .count = 2}), Gives(2, "ef"));
  const Fd g = b.Must(Open{.path = "f", .flags = O_RDONLY});
  EXPECT_THAT(b.Do(Read{.fd = g, .count = 2}), Gives(2, "ab"));
}

CLAUSE(Mapping, AppendWritesAtTheEnd, "open(2)",
       "With O_APPEND each write goes to the end of the file, wherever the offset was") {
  MakeFile(a, "f", "one");
  const Fd f = a.Must(Open{.path = "f", .flags = O_RDWR | O_APPEND});
  const Fd g = a.Must(Open{.path = "f", .flags = O_RDWR | O_APPEND});
  EXPECT_THAT(a.Do(Write{.fd = f, .data = "two"}), Gives(3));
  EXPECT_THAT(a.Do(Write{.fd = g, .data = "three"}), Gives(5));
  EXPECT_THAT(a.Do(Read{.fd = g, .count = 9}), Gives(0, ""));
  EXPECT_EQ(Contents(a, "f"), "onetwothree");
}

CLAUSE(Mapping, HoleReadsAsZero, "lseek(2)",
       "A write behind the end of a file leaves a gap that reads as zero") {
  const Fd f = MakeFile(a, "f", "ab");
  EXPECT_THAT(a.Do(Lseek{.fd = f, .offset = 5}), Gives(5));
  EXPECT_THAT(a.Do(FileSize{.fd = f}), Gives(2));
  EXPECT_THAT(a.Do(Write{.fd = f, .data = "c"}), Gives(1));
  EXPECT_THAT(a.Do(FileSize{.fd = f}), Gives(6));
  EXPECT_EQ(Contents(a, "f"), std::string("ab\0\0\0c", 6));
}

CLAUSE(Mapping, SeekBeforeTheStart, "lseek(2)",
       "An offset before the start of the file is refused with EINVAL, and the old one stays") {
  const Fd f = MakeFile(a, "f", "abc");
  a.Must(Lseek{.fd = f, .offset = 1});
  EXPECT_THAT(a.Do(Lseek{.fd = f, .offset = -1}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 9}), Gives(2, "bc"));
}

CLAUSE(Mapping, OpenTruncates, "open(2)",
       "O_TRUNC with write access empties the file, for all who have it open") {
  const Fd f = MakeFile(a, "f", "full");
  a.Must(Open{.path = "f", .flags = O_WRONLY | O_TRUNC});
  EXPECT_THAT(a.Do(FileSize{.fd = f}), Gives(0));
  a.Must(Lseek{.fd = f, .offset = 0});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 9}), Gives(0, ""));
}

CLAUSE(Mapping, AccessModeOfFiles, "open(2)",
       "A file opened for reading is not written, one opened for writing not read: EBADF") {
  MakeFile(a, "f", "data");
  const Fd r = a.Must(Open{.path = "f", .flags = O_RDONLY});
  const Fd w = a.Must(Open{.path = "f", .flags = O_WRONLY});
  EXPECT_THAT(a.Do(Write{.fd = r, .data = "x"}), FailsWith(EBADF));
  EXPECT_THAT(a.Do(Read{.fd = w, .count = 1}), FailsWith(EBADF));
  EXPECT_EQ(Contents(a, "f"), "data");
}

CLAUSE(Mapping, GrowingAddsZeros, "ftruncate(2)",
       "A file that is made longer reads as zero where it is new") {
  const Fd f = MakeFile(a, "f", "abc");
  EXPECT_THAT(a.Do(Ftruncate{.fd = f, .length = 6}), Gives(0));
  EXPECT_THAT(a.Do(FileSize{.fd = f}), Gives(6));
  EXPECT_EQ(Contents(a, "f"), std::string("abc\0\0\0", 6));
}

CLAUSE(Mapping, ShrinkingLosesTheRest, "ftruncate(2)",
       "What a shorter size cuts off is lost: it is zero when the file grows again") {
  const Fd f = MakeFile(a, "f", "abcdef");
  EXPECT_THAT(a.Do(Ftruncate{.fd = f, .length = 2}), Gives(0));
  EXPECT_EQ(Contents(a, "f"), "ab");
  EXPECT_THAT(a.Do(Ftruncate{.fd = f, .length = 4}), Gives(0));
  EXPECT_EQ(Contents(a, "f"), std::string("ab\0\0", 4));
}

CLAUSE(Mapping, TruncateLeavesTheOffset, "ftruncate(2)",
       "Ftruncate does not move the offset: a write behind the new end leaves a gap") {
  const Fd f = MakeFile(a, "f", "abcd");
  a.Must(Ftruncate{.fd = f, .length = 1});
  EXPECT_THAT(a.Do(Write{.fd = f, .data = "e"}), Gives(1));
  EXPECT_EQ(Contents(a, "f"), std::string("a\0\0\0e", 5));
}

CLAUSE(Mapping, TruncateRefusals, "ftruncate(2)",
       "Ftruncate refuses a negative length, what is no file, and descriptors without writing") {
  const Fd f = MakeFile(a, "f", "abcd");
  const Fd r = a.Must(Open{.path = "f", .flags = O_RDONLY});
  EXPECT_THAT(a.Do(Ftruncate{.fd = f, .length = -1}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Ftruncate{.fd = a.Pipe().write, .length = 0}), FailsWith(EINVAL));
  EXPECT_THAT(a.Do(Ftruncate{.fd = 99, .length = 0}), FailsWith(EBADF));
  EXPECT_FALSE(a.Do(Ftruncate{.fd = r, .length = 0}).ok());
  EXPECT_THAT(a.Do(FileSize{.fd = f}), Gives(4));
}

CLAUSE(Mapping, UnlinkedFileKeepsItsContents, "unlink(2)",
       "A file without a name can be used while it is open, and then its contents are gone") {
  const Fd f = MakeFile(a, "f", "abc");
  a.Must(Unlink{.path = "f"});
  a.Must(Lseek{.fd = f, .offset = 0});
  EXPECT_THAT(a.Do(Read{.fd = f, .count = 9}), Gives(3, "abc"));
  const Fd g = MakeFile(a, "f", "");
  EXPECT_THAT(a.Do(Read{.fd = g, .count = 9}), Gives(0, ""));
}

CLAUSE(Mapping, ShrunkPageIsZeroBehindTheEnd, "ftruncate(2)",
       "A mapping shows zeros behind the end that a shorter size set within a page") {
  const Fd f = MakeFile(a, "f", "abcdef");
  const Address p = a.Must(Mmap{.length = 1, .prot = kReadWrite, .flags = MAP_SHARED, .fd = f});
  EXPECT_THAT(a.Do(Load{.address = p, .size = 6}), Gives(0, "abcdef"));
  a.Must(Ftruncate{.fd = f, .length = 2});
  EXPECT_THAT(a.Do(Load{.address = p, .size = 6}), Gives(0, std::string("ab\0\0\0\0", 6)));
}

}  // namespace
}  // namespace ipcspec
