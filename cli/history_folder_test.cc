// Saved histories: whole or not there, where they belong, and not too many.
#include "cli/history_folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "impl/call/cat.h"

namespace ipcspec {
namespace {

class HistoryFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = Cat(testing::TempDir(), "/folder.XXXXXX");
    ASSERT_NE(mkdtemp(path_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(path_); }

  std::unique_ptr<HistoryFolder> Open() {
    absl::StatusOr<std::unique_ptr<HistoryFolder>> folder = HistoryFolder::Open(path_);
    EXPECT_TRUE(folder.ok()) << folder.status();
    return *std::move(folder);
  }
  std::string TextOf(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  int FilesThere() {
    return static_cast<int>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

  std::string path_;
};

TEST_F(HistoryFolderTest, SavesAndReplaces) {
  const auto folder = Open();
  const std::string file = Cat(path_, "/pipe.X-1-2.history");
  for (const char* text : {"first", "the second"}) {
    const auto saved = folder->Save("pipe.X-1-2", Verdict::kForbidden, text);
    ASSERT_TRUE(saved.ok()) << saved.status();
    EXPECT_EQ(*saved, file);
    EXPECT_EQ(TextOf(file), text);
  }
  EXPECT_EQ(FilesThere(), 1);
}

TEST_F(HistoryFolderTest, KeepsRoomForWhatIsForbidden) {
  const auto folder = Open();
  for (int i = 0; i < 30; ++i) {
    const auto saved = folder->Save(Cat("u", i), Verdict::kUndecided, "x");
    EXPECT_EQ(saved.value().empty(), i >= HistoryFolder::kMostUndecided);
  }
  for (int i = 0; i < 30; ++i) {
    const auto saved = folder->Save(Cat("f", i), Verdict::kForbidden, "x");
    EXPECT_EQ(saved.value().empty(),
              i >= HistoryFolder::kMostFiles - HistoryFolder::kMostUndecided);
  }
  EXPECT_EQ(FilesThere(), HistoryFolder::kMostFiles);
}

TEST_F(HistoryFolderTest, FollowsNoLink) {
  const std::string victim = Cat(path_, "/victim");
  std::ofstream(victim) << "precious";
  for (const char* name : {"a.history", ".a.history.torn"}) {
    ASSERT_EQ(symlink("victim", Cat(path_, "/", name).c_str()), 0);
  }
  ASSERT_TRUE(Open()->Save("a", Verdict::kForbidden, "text").ok());
  EXPECT_EQ(TextOf(victim), "precious");
  EXPECT_FALSE(std::filesystem::is_symlink(Cat(path_, "/a.history")));
  EXPECT_EQ(TextOf(Cat(path_, "/a.history")), "text");
}

TEST_F(HistoryFolderTest, LeavesNothingTorn) {
  const auto folder = Open();
  // A write that cannot go on, as on a full disk.
  signal(SIGXFSZ, SIG_IGN);
  rlimit before = {}, small = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  small = {.rlim_cur = 4096, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto saved = folder->Save("a", Verdict::kForbidden, std::string(10'000, 'x'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_FALSE(saved.ok());
  EXPECT_NE(saved.status().message().find("File too large"), std::string::npos) << saved.status();
  EXPECT_EQ(FilesThere(), 0);
  EXPECT_TRUE(folder->Save("a", Verdict::kForbidden, "x").ok());
}

TEST_F(HistoryFolderTest, SaysWhyItCannotBeUsed) {
  const auto why = [](const std::string& path) {
    return std::string(HistoryFolder::Open(path).status().message());
  };
  EXPECT_NE(why(path_ + "/none").find("name a directory that exists"), std::string::npos);
  std::ofstream(path_ + "/file") << "x";
  EXPECT_NE(why(path_ + "/file").find("Not a directory"), std::string::npos);
  ASSERT_EQ(chmod(path_.c_str(), 0777), 0);
  EXPECT_NE(why(path_).find("everybody may replace files there"), std::string::npos);
  ASSERT_EQ(chmod(path_.c_str(), 01777), 0);
  EXPECT_EQ(why(path_), "");
  if (geteuid() != 0) {
    ASSERT_EQ(chmod(path_.c_str(), 0555), 0);
    EXPECT_NE(why(path_).find("that you may write"), std::string::npos);
  }
}

}  // namespace
}  // namespace ipcspec
