//! The system's file dialogs. They are opened on the main thread, as systems demand, and waited for on another, so
//! that the window goes on drawing.

use std::marker::PhantomData;
use std::path::PathBuf;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::paths::{PathPurpose, Pick};
use crate::engine::Wake;

/// Proof of being on the main thread: it cannot be sent to another.
#[derive(Debug)]
pub struct MainThread(PhantomData<*const ()>);

impl MainThread {
    /// To be called where the window is made, which is the main thread.
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// The dialogs and their answers.
#[derive(Debug)]
pub struct Dialogs {
    sender: Sender<(&'static PathPurpose, PathBuf)>,
    /// Paths that were chosen.
    pub answers: Receiver<(&'static PathPurpose, PathBuf)>,
}

impl Default for Dialogs {
    fn default() -> Self {
        let (sender, answers) = unbounded();
        Self { sender, answers }
    }
}

impl Dialogs {
    /// Opens the dialog that fits the purpose. A dialog that was closed without a choice gives no answer.
    pub fn ask(&self, purpose: &'static PathPurpose, _proof: &MainThread, wake: &Wake) {
        let dialog = rfd::AsyncFileDialog::new().set_title(purpose.title);
        let future: std::pin::Pin<Box<dyn Future<Output = Option<rfd::FileHandle>> + Send>> = match purpose.pick {
            Pick::Folder => Box::pin(dialog.pick_folder()),
            Pick::File(kind, endings) => Box::pin(dialog.add_filter(kind, endings).pick_file()),
            Pick::Save { kind, ending, name } => {
                Box::pin(dialog.add_filter(kind, &[ending]).set_file_name(name).save_file())
            }
        };
        let (sender, wake) = (self.sender.clone(), wake.clone());
        // Without a thread there is no dialog; the field for typing the path stays.
        let _ = std::thread::Builder::new().name("file dialog".to_owned()).spawn(move || {
            if let Some(file) = pollster::block_on(future) {
                let _ = sender.send((purpose, file.path().to_path_buf()));
                wake();
            }
        });
    }
}
