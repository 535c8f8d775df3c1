//! Signed notes, checkpoints, proofs as files, and a witness: the examples of the specifications, refusals by name, other people's code.

use apricot_tlog::checkpoint::{Checkpoint, CheckpointRefused, SignedCheckpoint, Trust, TrustRefused};
use apricot_tlog::encoding::base64;
use apricot_tlog::merkle::{self, Hash, ProofRefused, Tree, leaf_hash};
use apricot_tlog::note::{
    Algorithm, KeyRefused, Note, NoteRefused, SIGNATURES_MAX, Signature, Signer, VerifierKey,
};
use apricot_tlog::proof::{Proof, TlogProofRefused};
use apricot_tlog::tile::Edge;
use apricot_tlog::witness::{AddCheckpoint, Answer, RequestRefused, Seen, Witness};
use proptest::prelude::*;
use signed_note::{Signer as _, StandardSigner, StandardVerifier, Verifier as _, VerifierList};

const ORIGIN: &str = "apricot.example/log";
const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const EXAMPLE: &str = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
/// Of c2sp.org/tlog-cosignature.
const COSIGNED: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

fn log() -> Signer {
    Signer::log(ORIGIN, &[7; 32]).unwrap()
}

fn witness(n: u8) -> Signer {
    Signer::witness(&format!("witness.example/w{n}"), &[100 + n; 32]).unwrap()
}

fn trust(witnesses: u8) -> Trust {
    let keys = (0..witnesses).map(|n| witness(n).verifier().clone());
    Trust::new([log().verifier().clone()].into_iter().chain(keys).collect()).unwrap()
}

fn tree(size: u64) -> Tree {
    let mut tree = Tree::default();
    (0..size).for_each(|n| tree.append(leaf_hash(&n.to_be_bytes())));
    tree
}

fn checkpoint(size: u64) -> SignedCheckpoint {
    Checkpoint::new(ORIGIN, size, tree(size).root()).unwrap().sign(&log()).unwrap()
}

fn proof(index: u64, size: u64) -> Proof {
    let mut edge = Edge::default();
    (0..size).for_each(|n| edge.append(leaf_hash(&n.to_be_bytes()), |_, _| panic!("below 256 leaves")));
    let tile = edge.partial().next().unwrap().1.to_vec();
    let hashes = apricot_tlog::tile::inclusion(index, size, |_| Ok::<_, ()>(&tile)).unwrap();
    Proof { extra: None, index, hashes, checkpoint: checkpoint(size) }
}

#[test]
fn examples_of_the_specifications() {
    let key: VerifierKey = EXAMPLE_KEY.parse().unwrap();
    assert_eq!((key.name(), key.id(), key.algorithm()), ("example.com/foo", 0x530d_903a, Algorithm::Ed25519));
    assert_eq!(key.to_string(), EXAMPLE_KEY);
    let note = Note::parse(EXAMPLE.as_bytes()).unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.verify(std::slice::from_ref(&key)).unwrap()[0].at_s, None);
    assert_eq!(note.to_string(), EXAMPLE);
    let other = EXAMPLE.replace("example message", "Example message");
    let wrong = NoteRefused::WrongSignature { key: "example.com/foo".into() };
    assert_eq!(Note::parse(other.as_bytes()).unwrap().verify(&[key]), Err(wrong));

    let cosigned = SignedCheckpoint::parse(COSIGNED.as_bytes()).unwrap();
    assert_eq!(
        (cosigned.unverified().origin.as_str(), cosigned.unverified().size),
        ("example.com/behind-the-sofa", 20_852_163)
    );
    assert_eq!(cosigned.to_string(), COSIGNED);
    assert_eq!(cosigned.note().signatures()[1].key_id(), 0x8d66_cf3f);
}

#[test]
fn keys_that_are_not() {
    let changed = |from: &str, to: &str| EXAMPLE_KEY.replace(from, to).parse::<VerifierKey>();
    assert_eq!(
        changed("530d903a", "530d903b"),
        Err(KeyRefused::Id { stated: 0x530d_903b, computed: 0x530d_903a })
    );
    assert_eq!(
        changed("example.com/foo", "example.com/fop").map_err(|e| matches!(e, KeyRefused::Id { .. })),
        Err(true)
    );
    assert_eq!(changed("530d903a", "530D903A"), Err(KeyRefused::Form));
    assert_eq!(changed("example.com/foo", ""), Err(KeyRefused::Name));
    assert_eq!(changed("example.com", "example com"), Err(KeyRefused::Name));
    assert_eq!(changed("AekyeRrm", "BukyeRrm"), Err(KeyRefused::Algorithm(6)));
    assert_eq!(changed("3U2k", ""), Err(KeyRefused::Form));
    // The point of order one.
    let weak = base64(&[&[1, 1][..], &[0; 31]].concat());
    assert_eq!(format!("x+00000000+{weak}").parse::<VerifierKey>(), Err(KeyRefused::Point));
    for text in ["", "+", "++", "a+b+c", "a+00000000+", "a+00000000+AQ=="] {
        assert!(text.parse::<VerifierKey>().is_err(), "{text}");
    }
}

#[test]
fn notes_that_are_not() {
    let refused = |text: &str| Note::parse(text.as_bytes()).unwrap_err();
    let line = EXAMPLE.lines().last().unwrap();
    assert_eq!(refused("text\n"), NoteRefused::NoSignatures);
    assert_eq!(refused("text\n\n"), NoteRefused::NoSignatures);
    assert_eq!(refused(EXAMPLE.trim_end()), NoteRefused::NoNewlineAtEnd);
    assert_eq!(refused(&EXAMPLE.replace("This", "\t")), NoteRefused::ControlCharacter { byte: 9 });
    assert_eq!(refused(&EXAMPLE.replace('—', "-")), NoteRefused::SignatureLine { line: 1 });
    assert_eq!(refused(&EXAMPLE.replace("foo", "f+o")), NoteRefused::SignatureLine { line: 1 });
    assert_eq!(refused(&EXAMPLE.replace("aQM=", "aQM")), NoteRefused::SignatureLine { line: 1 });
    assert_eq!(refused("text\n\n— name AAAAAA==\n"), NoteRefused::SignatureLine { line: 1 });
    assert_eq!(refused(&format!("text\n\n{line}\n\n\n")), NoteRefused::NoSignatures);
    assert_eq!(
        refused(&format!("text\n\n{}", format!("{line}\n").repeat(17))),
        NoteRefused::TooManySignatures
    );
    assert!(Note::parse(format!("text\n\n{}", format!("{line}\n").repeat(16)).as_bytes()).is_ok());
    assert_eq!(Note::parse(&[0xff, b'\n']).unwrap_err(), NoteRefused::NotUtf8);
    assert_eq!(Note::parse(&vec![b'a'; 200_000]).unwrap_err(), NoteRefused::TooLong { bytes: 200_000 });
    assert_eq!(Note::new("no newline".into()), Err(NoteRefused::TextWithoutNewline));
    let mut note = Note::new("text\n".into()).unwrap();
    assert_eq!(note.verify(&[]), Err(NoteRefused::NoTrustedSignature));
    for n in 0..SIGNATURES_MAX {
        note.add(Signer::log(&format!("n{n}"), &[1; 32]).unwrap().sign("text\n", 0)).unwrap();
    }
    assert_eq!(note.add(log().sign("text\n", 0)), Err(NoteRefused::TooManySignatures));
    assert_eq!(
        note.add(Signer::log("n3", &[1; 32]).unwrap().sign("text\n", 0)),
        Ok(()),
        "it takes the old one's place"
    );
}

#[test]
fn unknown_signatures_say_nothing_and_known_ones_must_hold() {
    let mut signed = checkpoint(5);
    let text = signed.note().text().to_owned();
    let stranger = Signer::log("stranger.example", &[9; 32]).unwrap();
    // The same name with another key is another key.
    let impostor = Signer::log(ORIGIN, &[9; 32]).unwrap();
    for signer in [&stranger, &impostor] {
        signed.note_mut().add(signer.sign("other text\n", 0)).unwrap();
    }
    assert_eq!(signed.verify(&trust(0)).unwrap().witnesses, []);
    signed.note_mut().add(witness(0).sign(&text, 1_700_000_000)).unwrap();
    let believed = signed.verify(&trust(2)).unwrap();
    assert_eq!(believed.witnesses, [("witness.example/w0".to_owned(), 1_700_000_000)]);
    let mut strict = trust(2);
    strict.witnesses_wanted = 2;
    assert_eq!(signed.verify(&strict), Err(CheckpointRefused::TooFewWitnesses { found: 1, wanted: 2 }));
    signed.note_mut().add(witness(1).sign(&text, 1_700_000_001)).unwrap();
    assert_eq!(signed.verify(&strict).unwrap().witnesses.len(), 2);
    // A witness that is trusted and signed something else.
    signed.note_mut().add(witness(1).sign("other text\n", 1_700_000_001)).unwrap();
    let wrong = NoteRefused::WrongSignature { key: "witness.example/w1".into() };
    assert_eq!(signed.verify(&strict), Err(wrong.into()));
    assert!(signed.verify(&trust(1)).is_ok(), "w1 is a stranger here");

    // Witnesses alone are not the log.
    let mut unsigned = checkpoint(5).to_string();
    unsigned.truncate(unsigned.find("\n\n").unwrap() + 2);
    let only = format!("{unsigned}{}", witness(0).sign(&text, 1));
    let only = SignedCheckpoint::parse(only.as_bytes()).unwrap();
    assert_eq!(only.verify(&trust(1)), Err(CheckpointRefused::NotByTheLog));
    assert_eq!(only.verify(&trust(0)), Err(NoteRefused::NoTrustedSignature.into()));
    // A time that the specification does not allow.
    let timeless = format!("{unsigned}{}{}", log().sign(&text, 0), witness(0).sign(&text, 0));
    let wrong = NoteRefused::WrongSignature { key: "witness.example/w0".into() };
    assert_eq!(SignedCheckpoint::parse(timeless.as_bytes()).unwrap().verify(&trust(1)), Err(wrong.into()));
}

#[test]
fn checkpoints_that_are_not() {
    let root = tree(3).root().to_base64();
    let refused = |text: &str| Checkpoint::parse(text).unwrap_err();
    assert_eq!(refused("a\n3\n"), CheckpointRefused::Lines);
    assert_eq!(refused(&format!("a\n3\n{root}")), NoteRefused::TextWithoutNewline.into());
    assert_eq!(refused(&format!("\n3\n{root}\n")), CheckpointRefused::Origin);
    for size in ["", "03", "-3", "3 ", "18446744073709551616"] {
        assert_eq!(refused(&format!("a\n{size}\n{root}\n")), CheckpointRefused::Size, "{size}");
    }
    for bad in ["", "AAAA", &root[..43], &format!("{root}A")] {
        assert_eq!(refused(&format!("a\n3\n{bad}\n")), CheckpointRefused::Root, "{bad}");
    }
    assert_eq!(refused(&format!("a\n3\n{root}\nmore\n\n")), CheckpointRefused::EmptyLine { line: 5 });
    let extended = format!("a\n3\n{root}\nmore\nlines\n");
    assert_eq!(Checkpoint::parse(&extended).unwrap().to_string(), extended);
    assert!(Checkpoint::new("two\nlines", 0, Hash::empty()).is_err());
    let empty = Checkpoint::new(ORIGIN, 0, Hash::of(b"x")).unwrap().sign(&log()).unwrap();
    assert_eq!(empty.verify(&trust(0)), Err(CheckpointRefused::EmptyTree));
    let other = Signer::log("other.example/log", &[8; 32]).unwrap();
    let foreign = Checkpoint::new("other.example/log", 3, tree(3).root()).unwrap().sign(&other).unwrap();
    let told = CheckpointRefused::OtherLog { found: "other.example/log".into(), wanted: ORIGIN.into() };
    assert_eq!(foreign.verify(&trust(0)), Err(told));
}

#[test]
fn whom_to_trust_is_a_file() {
    let text = format!("# our log\n{}\n\n  {}\n", log().verifier(), witness(0).verifier());
    assert_eq!(Trust::parse(&text), Ok(trust(1)));
    // After a rotation, both keys hold.
    let newer = Signer::log(ORIGIN, &[8; 32]).unwrap();
    let both = Trust::parse(&format!("{}\n{}", log().verifier(), newer.verifier())).unwrap();
    assert!(checkpoint(4).verify(&both).is_ok());
    let newer = Checkpoint::new(ORIGIN, 4, tree(4).root()).unwrap().sign(&newer).unwrap();
    assert!(newer.verify(&both).is_ok() && newer.verify(&trust(0)).is_err());
    let refused = |text: String| Trust::parse(&text).unwrap_err();
    assert_eq!(refused(witness(0).verifier().to_string()), TrustRefused::NoLog);
    assert_eq!(refused("# nothing".into()), TrustRefused::NoLog);
    assert_eq!(refused("\nkey".into()), TrustRefused::Key { line: 2, refused: KeyRefused::Form });
    assert!(matches!(refused(format!("{}\n{EXAMPLE_KEY}", log().verifier())), TrustRefused::TwoLogs { .. }));
    let same = Signer::witness("w", &[7; 32]).unwrap();
    assert!(matches!(
        refused(format!("{}\n{}", log().verifier(), same.verifier())),
        TrustRefused::Twice { .. }
    ));
}

#[test]
fn proofs_are_files() {
    for (index, size) in [(0, 1), (2, 7), (199, 200)] {
        let mut made = proof(index, size);
        let leaf = leaf_hash(&index.to_be_bytes());
        assert_eq!(Proof::parse(made.to_string().as_bytes()), Ok(made.clone()));
        assert_eq!(made.verify(leaf, &trust(0)).unwrap().checkpoint.size, size);
        assert!(matches!(
            made.verify(leaf_hash(b"x"), &trust(0)),
            Err(TlogProofRefused::Inclusion(ProofRefused::OtherRoot { .. }))
        ));
        made.extra = Some(b"more".to_vec());
        assert_eq!(Proof::parse(made.to_string().as_bytes()), Ok(made));
    }
    let text = proof(2, 7).to_string();
    let refused = |text: String| Proof::parse(text.as_bytes()).unwrap_err();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nindex 2\n"));
    assert_eq!(refused(text.replace("@v1", "@v2")), TlogProofRefused::FirstLine);
    assert_eq!(refused(text.replace("index 2", "index 02")), TlogProofRefused::Index);
    assert_eq!(refused(text.replace("index 2\n", "")), TlogProofRefused::Index);
    assert_eq!(refused(text.replace("index 2", "extra *\nindex 2")), TlogProofRefused::Extra);
    assert_eq!(refused(text.replace("index 2", "extra \nindex 2")), TlogProofRefused::Extra);
    assert_eq!(refused(text.replace("index 2", "index 2\nAAAA")), TlogProofRefused::Hash { hash: 1 });
    let hashes = format!("index 2\n{}", format!("{}\n", Hash::empty().to_base64()).repeat(61));
    assert_eq!(refused(text.replace("index 2\n", &hashes)), TlogProofRefused::TooManyHashes);
    assert_eq!(refused("c2sp.org/tlog-proof@v1\nindex 2\n".into()), TlogProofRefused::NoCheckpoint);
    assert_eq!(refused("x".repeat(400_000)), TlogProofRefused::TooLong { bytes: 400_000 });
}

#[test]
fn a_witness_signs_what_only_grew() {
    let desk = Witness::new(witness(0), vec![trust(0)]);
    let grown = |old: u64, new: u64| {
        let size = usize::try_from(new).unwrap();
        let leaves: Vec<Hash> = (0..new).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let read = |node: merkle::Node| {
            let (from, count) = ((node.index << node.level) as usize, 1 << node.level);
            assert!(from + count <= size);
            Ok::<_, ()>(merkle::root_of(leaves[from..from + count].iter().copied()))
        };
        let proof = merkle::consistency(old, new, read).unwrap();
        AddCheckpoint { old_size: old, proof, checkpoint: checkpoint(new) }
    };
    let seen = Seen { size: 5, root: tree(5).root() };
    let judge = |body: &str, seen: Option<Seen>| {
        desk.judge(body.as_bytes(), |origin| seen.filter(|_| origin == ORIGIN), 1_700_000_000)
    };
    let request = grown(5, 12).to_string();
    assert_eq!(AddCheckpoint::parse(request.as_bytes()).unwrap().to_string(), request);
    let Answer::Signed { seen: after, body } = judge(&request, Some(seen)) else { panic!("it grew") };
    assert_eq!(after, Seen { size: 12, root: tree(12).root() });
    let mut signed = checkpoint(12);
    for line in Signature::parse_answer(body.as_bytes()).unwrap() {
        signed.note_mut().add(line).unwrap();
    }
    assert_eq!(
        signed.verify(&trust(1)).unwrap().witnesses,
        [("witness.example/w0".to_owned(), 1_700_000_000)]
    );

    let status = |body: &str, seen| judge(body, seen).status();
    assert_eq!(status(&grown(0, 3).to_string(), None), 200);
    assert_eq!(status(&grown(0, 0).to_string(), None), 200);
    assert_eq!(status(&grown(5, 5).to_string(), Some(seen)), 200, "the same again");
    let conflict = judge(&grown(0, 12).to_string(), Some(seen));
    assert_eq!(
        (conflict.status(), conflict.body().as_str(), conflict.content_type()),
        (409, "5\n", "text/x.tlog.size")
    );
    assert_eq!(status(&request, None), 409);
    // Rewritten behind the witness's back.
    let forked = Some(Seen { size: 5, root: Hash::of(b"another history") });
    assert_eq!(status(&request, forked), 422);
    assert_eq!(status(&grown(5, 5).to_string(), forked), 422);
    let mut wrong = grown(5, 12);
    wrong.proof.pop();
    assert_eq!(status(&wrong.to_string(), Some(seen)), 422);
    let mut wrong = grown(0, 3);
    wrong.proof.push(Hash::empty());
    assert_eq!(status(&wrong.to_string(), None), 422);
    let mut empty = grown(0, 0);
    empty.checkpoint = Checkpoint::new(ORIGIN, 0, Hash::of(b"x")).unwrap().sign(&log()).unwrap();
    assert_eq!(status(&empty.to_string(), None), 422);
    let mut shrunk = grown(5, 12);
    shrunk.old_size = 13;
    assert_eq!(
        judge(&shrunk.to_string(), Some(seen)),
        Answer::Malformed(RequestRefused::Shrinks { old: 13, new: 12 })
    );
    let mut foreign = grown(5, 12);
    let by = |name, seed| {
        Checkpoint::new(name, 12, tree(12).root())
            .unwrap()
            .sign(&Signer::log(name, &[seed; 32]).unwrap())
            .unwrap()
    };
    foreign.checkpoint = by("other.example", 7);
    assert_eq!(status(&foreign.to_string(), Some(seen)), 404);
    foreign.checkpoint = by(ORIGIN, 8);
    assert_eq!(status(&foreign.to_string(), Some(seen)), 403);
    let forged = request.replacen("\n12\n", "\n13\n", 1);
    assert_eq!(status(&forged, Some(seen)), 403);
    for body in [
        "",
        "old 5\n",
        "old 05\n\n",
        "old 5\nAAAA\n\n",
        &request.replace("old ", "new "),
        &request[1..],
        &request[..request.len() - 1],
    ] {
        assert_eq!(status(body, Some(seen)), 400, "{body}");
    }
}

fn their_signer(seed: u8) -> StandardSigner {
    // Their secret keys are text: PRIVATE+KEY+name+id+base64(0x01 and the seed).
    let id = log().verifier().id();
    let key = base64(&[&[1][..], &[seed; 32]].concat());
    StandardSigner::new(&format!("PRIVATE+KEY+{ORIGIN}+{id:08x}+{key}")).unwrap()
}

#[test]
fn others_accept_our_notes_and_we_theirs() {
    let ours = checkpoint(9);
    let verifier = StandardVerifier::new(&log().verifier().to_string()).unwrap();
    let note = signed_note::Note::from_bytes(ours.to_string().as_bytes()).unwrap();
    assert_eq!(note.to_bytes(), ours.to_string().into_bytes());
    let (held, unknown) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!((held.len(), unknown.len()), (1, 0));
    let theirs = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0), (ORIGIN, 9, tree(9).root().0));

    let text = ours.unverified().to_string();
    let mut note = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
    note.add_sigs(&[&their_signer(7)]).unwrap();
    assert_eq!(note.to_bytes(), ours.to_string().into_bytes(), "Ed25519 signs the same text the same way");
    assert!(SignedCheckpoint::parse(&note.to_bytes()).unwrap().verify(&trust(0)).is_ok());
}

proptest! {
    /// Any one bit of a proof's file: it is refused, or a signature of nobody we know was changed. There is none here.
    #[test]
    fn a_changed_proof_is_refused(index in 0..200_u64, size in 1..200_u64, bit in 0..8_u8, at in any::<prop::sample::Index>()) {
        let index = index % size;
        let mut bytes = proof(index, size).to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let read = Proof::parse(&bytes);
        prop_assert!(read.is_err() || read.unwrap().verify(leaf_hash(&index.to_be_bytes()), &trust(0)).is_err());
    }

    #[test]
    fn a_changed_checkpoint_is_refused_by_all(bit in 0..8_u8, at in any::<prop::sample::Index>()) {
        let mut signed = checkpoint(77);
        let text = signed.note().text().to_owned();
        signed.note_mut().add(witness(0).sign(&text, 1_700_000_000)).unwrap();
        let mut bytes = signed.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let mut trust = trust(1);
        trust.witnesses_wanted = 1;
        let read = SignedCheckpoint::parse(&bytes);
        prop_assert!(read.is_err() || read.unwrap().verify(&trust).is_err());
    }

    /// What we read of any text, they read the same, and the other way round.
    #[test]
    fn notes_are_read_as_others_read_them(text in "(a\n|\n|— |example.com/foo |AAAAAAA=|AAAAAA==|\\+|é| |\t){0,12}") {
        let (ours, theirs) = (Note::parse(text.as_bytes()), signed_note::Note::from_bytes(text.as_bytes()));
        prop_assert_eq!(ours.is_ok(), theirs.is_ok());
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            prop_assert_eq!(ours.to_string().into_bytes(), theirs.to_bytes());
        }
    }

    #[test]
    fn their_signatures_hold_for_us(seed in any::<[u8; 32]>(), text in "[a-z\n]{0,40}") {
        let ours = Signer::log("x.example", &seed).unwrap();
        let text = format!("{text}\n");
        let verifier = StandardVerifier::new(&ours.verifier().to_string()).unwrap();
        prop_assert_eq!(verifier.key_id(), ours.verifier().id());
        let mut note = Note::new(text.clone()).unwrap();
        note.add(ours.sign(&text, 0)).unwrap();
        let theirs = signed_note::Note::from_bytes(note.to_string().as_bytes()).unwrap();
        prop_assert!(theirs.verify(&VerifierList::new(vec![Box::new(verifier)])).is_ok());
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300), start in 0..4_usize) {
        let start = [&b""[..], b"old 0\n\n", b"c2sp.org/tlog-proof@v1\nindex 0\n\n", b"a\n0\n"][start];
        let bytes = [start, &bytes].concat();
        let desk = Witness::new(witness(0), vec![trust(0)]);
        prop_assert_ne!(desk.judge(&bytes, |_| None, 1).status(), 200);
        prop_assert!(Proof::parse(&bytes).is_err() && SignedCheckpoint::parse(&bytes).is_err());
        prop_assert_eq!(their_signer(7).key_id(), log().verifier().id());
    }
}
