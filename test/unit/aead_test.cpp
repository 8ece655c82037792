// AES-256-GCM envelopes: known vectors open, and nothing that was altered, cut or moved does.
#include "extension/core/aead.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <memory>
#include <set>

#include "extension/core/random.hpp"
#include "test/unit/support.hpp"

namespace latchkey {
namespace {

constexpr size_t kHeaderSize = 1 + 8 + 12;
constexpr size_t kTagSize = 16;

// The layout of the header file, put together by hand.
std::string Envelope(std::string_view key, std::string_view nonce, std::string_view sealed) {
  std::string envelope("\x01");
  return envelope.append(KeyFingerprint(key)).append(nonce).append(sealed);
}

struct Vector {
  const char* key;
  const char* nonce;
  const char* context;
  const char* plaintext;
  const char* ciphertext;
  const char* tag;
};

// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13 to 16.
constexpr char kZeroKey[] = "0000000000000000000000000000000000000000000000000000000000000000";
constexpr char kKey[] = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
constexpr Vector kVectors[] = {
    {kZeroKey, "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {kZeroKey, "000000000000000000000000", "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
    {kKey, "cafebabefacedbaddecaf888", "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b"
     "525"
     "b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828"
     "838"
     "c5f61e6393ba7a0abcc9f662898015ad",
     "b094dac5d93471bdec1a502270e3cc6c"},
    {kKey, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b"
     "525"
     "b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828"
     "838"
     "c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

TEST(Aead, OpensPublishedVectors) {
  for (const Vector& v : kVectors) {
    const std::string key = test::FromHex(v.key);
    const std::string envelope =
        Envelope(key, test::FromHex(v.nonce), test::FromHex(v.ciphertext) + test::FromHex(v.tag));
    const auto opened = Open(key, envelope, test::FromHex(v.context));
    ASSERT_TRUE(opened) << v.tag;
    EXPECT_EQ(HexEncode(opened->view()), v.plaintext);
  }
}

TEST(Aead, RoundTripOfEveryLength) {
  const std::string key = RandomBytes(32);
  for (const size_t size : {0, 1, 15, 16, 17, 31, 32, 33, 255, 4096, 100000}) {
    const std::string plaintext = RandomBytes(size);
    const std::string envelope = Seal(key, plaintext, "owner");
    EXPECT_EQ(envelope.size(), kHeaderSize + size + kTagSize);
    const auto opened = Open(key, envelope, "owner");
    ASSERT_TRUE(opened) << size;
    EXPECT_EQ(opened->view(), plaintext);
  }
}

// Decrypts without the code under test, from the documented layout alone.
TEST(Aead, PlainOpenSslReadsTheLayout) {
  const std::string key = RandomBytes(32);
  const std::string envelope = Seal(key, "attack at dawn", "row 7");
  const auto at = [&](size_t i) {
    return reinterpret_cast<unsigned char*>(const_cast<char*>(envelope.data() + i));
  };
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> cipher(EVP_CIPHER_CTX_new(),
                                                                               EVP_CIPHER_CTX_free);
  unsigned char plaintext[14];
  int size = 0;
  ASSERT_EQ(EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr,
                               reinterpret_cast<const unsigned char*>(key.data()), at(9)),
            1);
  EVP_DecryptUpdate(cipher.get(), nullptr, &size, reinterpret_cast<const unsigned char*>("row 7"),
                    5);
  EVP_DecryptUpdate(cipher.get(), plaintext, &size, at(kHeaderSize), 14);
  EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, at(kHeaderSize + 14));
  EXPECT_EQ(EVP_DecryptFinal_ex(cipher.get(), plaintext + size, &size), 1);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(plaintext), 14), "attack at dawn");
}

TEST(Aead, EveryFlippedBitIsRefused) {
  const std::string key = RandomBytes(32);
  for (const char* plaintext : {"", "x", "a signing key of thirty-two byte"}) {
    test::ForEachFlippedBit(Seal(key, plaintext, "c"), [&](const std::string& altered) {
      EXPECT_FALSE(Open(key, altered, "c"));
    });
  }
}

TEST(Aead, EveryTruncationAndExtensionIsRefused) {
  const std::string key = RandomBytes(32);
  const std::string envelope = Seal(key, "a signing key of thirty-two byte", "c");
  test::ForEachTruncation(envelope,
                          [&](const std::string& cut) { EXPECT_FALSE(Open(key, cut, "c")); });
  EXPECT_FALSE(Open(key, envelope + '\0', "c"));
  EXPECT_FALSE(Open(key, '\0' + envelope, "c"));
  EXPECT_FALSE(Open(key, envelope + envelope, "c"));
  // A tag of 0 to 15 or 17 bytes, with the ciphertext whole.
  for (size_t size = 0; size <= 17; ++size) {
    std::string tag = envelope.substr(envelope.size() - kTagSize) + '\0';
    const std::string rest = envelope.substr(0, envelope.size() - kTagSize);
    EXPECT_EQ(Open(key, rest + tag.substr(0, size), "c").has_value(), size == kTagSize);
  }
}

TEST(Aead, AnotherContextOrKeyIsRefused) {
  const std::string key = RandomBytes(32);
  const std::string envelope = Seal(key, "secret", "signing_keys:abc");
  for (const char* context :
       {"", "signing_keys:abd", "signing_keys:ab", "signing_keys:abc ", "Signing_keys:abc"}) {
    EXPECT_FALSE(Open(key, envelope, context)) << context;
  }
  EXPECT_FALSE(Open(key, envelope, std::string_view("signing_keys:abc\0", 17)));
  test::ForEachFlippedBit(key, [&](const std::string& other) {
    EXPECT_FALSE(Open(other, envelope, "signing_keys:abc"));
    // Even when the envelope is made to name that other key.
    std::string renamed = envelope;
    renamed.replace(1, 8, KeyFingerprint(other));
    EXPECT_FALSE(Open(other, renamed, "signing_keys:abc"));
  });
}

TEST(Aead, PartsOfTwoEnvelopesDoNotMix) {
  const std::string key = RandomBytes(32);
  const std::string a = Seal(key, "first secret", "c");
  const std::string b = Seal(key, "other secret", "c");
  for (const size_t border : {kHeaderSize - 1, kHeaderSize, a.size() - kTagSize}) {
    EXPECT_FALSE(Open(key, a.substr(0, border) + b.substr(border), "c"));
  }
}

TEST(Aead, NoncesNeverRepeat) {
  const std::string key = RandomBytes(32);
  std::set<std::string> nonces;
  for (int i = 0; i < 20000; ++i)
    EXPECT_TRUE(nonces.insert(Seal(key, "", "").substr(9, 12)).second);
}

TEST(Aead, KeysHaveThirtyTwoBytes) {
  for (const size_t size : {0, 1, 16, 24, 31, 33, 64}) {
    const std::string key(size, 'k');
    EXPECT_THROW(Seal(key, "x", ""), std::invalid_argument) << size;
    EXPECT_THROW(Open(key, Envelope(key, std::string(12, 'n'), std::string(20, 's')), ""),
                 std::invalid_argument);
  }
}

TEST(Aead, TheFingerprintTellsKeysApartAndNothingOfThem) {
  const std::string key = RandomBytes(32);
  EXPECT_EQ(KeyFingerprint(key).size(), 8u);
  EXPECT_EQ(KeyFingerprint(key), KeyFingerprint(key));
  EXPECT_NE(KeyFingerprint(key), KeyFingerprint(RandomBytes(32)));
  EXPECT_EQ(key.find(KeyFingerprint(key)), std::string::npos);
}

}  // namespace
}  // namespace latchkey
